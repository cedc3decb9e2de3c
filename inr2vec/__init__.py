"""Deep Learning on Implicit Neural Representations of Shapes: the paper you can run."""
import lazy_loader

__version__ = "0.1.0"

# looked up at first use: `import inr2vec` loads neither torch nor open3d
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "data.datasets": ["load_dataset"],
    "data.families": ["make_families", "make_shape"],
    "data.preparation": ["load_shape"],
    "embedding.model": ["Inr2Vec"],
    "tasks.collection": ["Collection"],
})
__all__ = ["__version__", *__all__]
