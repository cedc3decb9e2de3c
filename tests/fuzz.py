"""Damage files of every format and read them: a typed error or a shape, never a traceback, a hang or a gigabyte.

`python tests/fuzz.py` takes about a minute. Hypothesis chooses the damage (always the same, so that a failure comes
back) and shrinks what it finds to the smallest file that shows it. The work is done in a process of its own, because a
parser in C could also end the process, and its memory is measured."""
import faulthandler
import io
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SECONDS_A_FILE = 20         # longer is a hang
MEGABYTES = 1024            # more, on top of what the libraries take, is a failure
EXAMPLES = 250              # damaged files of each format
POINTS = np.random.default_rng(0).normal(size=(16, 3)).round(3)


# -- whole files to damage

def ply(kind: str) -> bytes:
    "A square of a triangle and a quad, in the format `kind`."
    head = f"ply\nformat {kind} 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element face 2\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [("fff", 0, 0, 0), ("fff", 1, 0, 0), ("fff", 1, 1, 0), ("fff", 0, 1, 0), ("Biii", 3, 0, 1, 2),
            ("Biiii", 4, 0, 1, 2, 3)]
    if kind == "ascii": return (head + "\n".join(" ".join(map(str, row[1:])) for row in rows) + "\n").encode()
    order = "<" if "little" in kind else ">"
    return head.encode() + b"".join(struct.pack(order + row[0], *row[1:]) for row in rows)


def saved(save, *args, **kwargs) -> bytes:
    "What `save` writes to a file."
    buffer = io.BytesIO()
    save(buffer, *args, **kwargs)
    return buffer.getvalue()


def hdf5(**arrays) -> bytes:
    "An HDF5 file with these arrays."
    import h5py
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as f:
        for name, x in arrays.items(): f[name] = x
    return buffer.getvalue()


def whole_files() -> dict[str, bytes]:
    "A small sound file of each format, and of each way of writing it, by its name."
    import scipy.io
    import trimesh
    faces = [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
    tetrahedron = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], faces)
    mesh = dict(vertices=tetrahedron.vertices, faces=tetrahedron.faces)
    rows = "\n".join(" ".join(map(str, row)) for row in POINTS.tolist()) + "\n"
    cells = np.zeros((6, 6, 6), np.uint8)
    cells[1:4, 2:5, 1:5] = 1
    runs = b"".join(bytes([int(v), 1]) for v in cells.transpose(0, 2, 1).reshape(-1))
    return {
        "lines.off": b"OFF\n4 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n3 0 2 1\n",
        "stream.off": b"OFF 4 1 0 0 0 0 1 0 0 1 1 0 0 1 .5 4 0 1 2 3\n",
        "mesh.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3 4\nf -1//2 -2 1/1/1 # last\n",
        "binary.stl": tetrahedron.export(file_type="stl"),
        "text.stl": tetrahedron.export(file_type="stl_ascii").encode(),
        "text.ply": ply("ascii"),
        "little.ply": ply("binary_little_endian"),
        "big.ply": ply("binary_big_endian"),
        "cloud.npy": saved(np.save, POINTS.astype(np.float32)),
        "cloud.npz": saved(np.savez, points=POINTS, parts=np.arange(16)),
        "mesh.npz": saved(np.savez_compressed, **mesh, face_parts=[0, 1, 2, 3]),
        "grid.npz": saved(np.savez_compressed, voxels=cells),
        "cloud.txt": rows.encode(),
        "cloud.xyz": rows.replace(".", ",").replace(" ", ";").encode(),
        "cloud.pts": f"16\n{rows}".encode(),
        "named.txt": f"//X Y Z\n{rows}".encode("utf-16"),
        "grid.binvox": b"#binvox 1\ndim 6 6 6\ntranslate 0 0 0\nscale 1\ndata\n" + runs,
        "grid.mat": saved(scipy.io.savemat, dict(instance=cells)),
    }


# endings of formats that announce what they hold: a file that is cut off there can never pass for another
COUNTED = (".off", ".stl", ".ply", ".npy", ".npz", ".pts", ".binvox", ".mat")


def whole_data_sets() -> dict[str, dict[str, bytes]]:
    "Small sound data sets: layout -> files by name; the first one is damaged."
    clouds = np.random.default_rng(1).normal(size=(3, 12, 3)).astype(np.float32)
    box = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    names = b"cup\njet\n"
    return {
        "modelnet40_h5": {"a.h5": hdf5(data=clouds, label=np.uint8([[0], [1], [0]])), "shape_names.txt": names,
                          "train_files.txt": b"a.h5\n"},
        "npz:points": {"points_train.npz": saved(np.savez, points=clouds, label=[0, 1, 0]), "classes.txt": names},
        "npz:meshes": {"meshes_train.npz": saved(np.savez, vertices=box, faces=[[0, 1, 2], [4, 5, 6]], label=[1],
                                                 num_vertices=[8], num_faces=[2]), "classes.txt": names},
        "classes": {"classes.txt": names, "points_train.npz": saved(np.savez, points=clouds, label=[0, 1, 0])},
        "shapenet_part": {
            "synsetoffset2category.txt": b"Cup 02\n", "02/a.txt": b"0 0 1 0 0 1 2\n0 1 0 0 0 1 3\n1 0 0 0 0 1 3\n",
            "train_test_split/shuffled_train_file_list.json": json.dumps(["shape_data/02/a"]).encode()},
    }


# -- damage

def damages():
    "Hypothesis' strategy: functions from sound bytes to damaged ones."
    from hypothesis import strategies as st
    share = st.floats(0, 1)
    junk = st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from([b"\0"*8, b"\xff"*8, b"nan", b"inf", b"-1", b"99999999999", b"1e308", b" ", b"\n", b"#", b",",
                         b"0", b"\xef\xbb\xbf", b"end_header", b"\x7f\xf0\0\0\0\0\0\0"]))

    def cut(data, a, b, new): return data[:int(a*len(data))]
    def delete(data, a, b, new): return data[:int(a*len(data))] + data[int(a*len(data)) + 1 + int(b*16):]
    def insert(data, a, b, new): return data[:int(a*len(data))] + new + data[int(a*len(data)):]
    def overwrite(data, a, b, new): return data[:int(a*len(data))] + new + data[int(a*len(data)) + len(new):]
    def repeat(data, a, b, new): return data[:int(a*len(data))] + data[int(b*len(data)):]
    step = st.tuples(st.sampled_from([cut, delete, insert, overwrite, overwrite, repeat]), share, share, junk)
    return st.lists(step, min_size=1, max_size=4)


def damaged(data: bytes, steps: list) -> bytes:
    "`data` after some steps of damage, at most 64 kB."
    for change, a, b, new in steps: data = change(data, a, b, new)
    return data[:1 << 16]


# -- what has to hold

def check_file(path: Path):
    "Reading and preparing one file: a typed error, or a shape that can be fitted."
    from inr2vec.core.errors import Inr2VecError
    from inr2vec.data.files import read_shape
    from inr2vec.data.preparation import prepared
    try: shape = prepared(read_shape(path), repair=True).shape
    except Inr2VecError as e:
        assert e.source and e.problem and e.remedy, f"an error without its source or a remedy: {e}"
        str(e).encode("utf-8")
        return None
    for x in (shape.points, shape.vertices):
        inside = x is None or np.isfinite(x).all() and np.linalg.norm(x, axis=1).max() < 1.001
        assert inside, "a shape beyond the unit sphere"
    return shape


def same(a, b) -> bool:
    "Whether two shapes have the same points, vertices and faces."
    pairs = [(getattr(a, k), getattr(b, k)) for k in ("points", "vertices", "faces")]
    return all(np.array_equal(x, y) if x is not None and y is not None else x is y for x, y in pairs)


def fuzz_file(folder: Path, name: str, data: bytes):
    "Damage one file in many ways, and cut it off in every place."
    from hypothesis import given
    path = folder/name
    path.write_bytes(data)
    whole = check_file(path)
    assert whole is not None, f"the sound file {name} is refused"
    if path.suffix in COUNTED:
        text = not data.translate(None, bytes(range(32, 127)) + b"\n\r\t")
        last_word = max(data.rstrip().rfind(b" "), data.rstrip().rfind(b"\n")) + 1
        end = last_word if text else len(data)     # a number that is cut off in text is a number still
        for k in range(0, end, max(end//150, 1)):
            path.write_bytes(data[:k])
            shape = check_file(path)
            right = shape is None or same(shape, whole)
            assert right, f"{name}, cut off after {k} of {len(data)} bytes, is read as {shape}"

    @chosen(EXAMPLES)
    @given(damages())
    def run(steps):
        path.write_bytes(damaged(data, steps))
        watched(check_file, path)
    run()


def fuzz_data_set(folder: Path, layout: str, files: dict[str, bytes]):
    "Damage the first file of a data set in many ways."
    from hypothesis import given
    from inr2vec.core.errors import Inr2VecError
    from inr2vec.data.datasets import load_dataset
    for name, data in files.items():
        (folder/name).parent.mkdir(parents=True, exist_ok=True)
        (folder/name).write_bytes(data)
    first = next(iter(files))

    def read():
        try: shapes, report = load_dataset(folder, "train", progress=False)
        except Inr2VecError: return
        assert len(shapes) == len(report.read)
        str(report).encode("utf-8")
        for s in shapes: assert np.isfinite(s.points).all(), "a shape with points that are not finite"

    @chosen(EXAMPLES)
    @given(damages())
    def run(steps):
        (folder/first).write_bytes(damaged(files[first], steps))
        watched(read)
    watched(read)
    run()


def chosen(examples: int):
    "Hypothesis' settings: the same examples each time, and no clock of its own."
    from hypothesis import HealthCheck, settings
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None,
                    suppress_health_check=list(HealthCheck))


def memory() -> float:
    "The largest memory that this process has had so far, in megabytes."
    try: import resource
    except ImportError: return 0.    # Windows
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/(1024 if sys.platform == "linux" else 1 << 20)


def watched(f, *args):
    "`f(*args)`, ending the process if it hangs, and failing if it takes too much memory."
    before = memory()
    faulthandler.dump_traceback_later(SECONDS_A_FILE, exit=True)
    try: f(*args)
    finally: faulthandler.cancel_dump_traceback_later()
    assert memory() - before < MEGABYTES, f"it took {memory() - before:.0f} MB"


def main() -> int:
    "Fuzz every format and layout; the exit status is 1 if something failed."
    import warnings
    warnings.simplefilter("ignore")
    failed = 0
    from inr2vec.data.files import FILE_READERS
    files = whole_files()
    untried = set(FILE_READERS) - {Path(name).suffix for name in files}
    jobs = [(fuzz_file, name, data) for name, data in files.items()]
    jobs += [(fuzz_data_set, layout, members) for layout, members in whole_data_sets().items()]
    with tempfile.TemporaryDirectory() as tmp:
        for i, (fuzz, name, what) in enumerate(jobs):
            (folder := Path(tmp)/str(i)).mkdir()
            print(f"{name}: ", end="", flush=True)
            try: fuzz(folder, name, what)
            except Exception as e:
                notes = "; ".join(getattr(e, "__notes__", []))
                print(f"FAILED {type(e).__name__}: {str(e)[:500]} {notes[:1500]}".replace("\n", " "), flush=True)
                failed += 1
            else: print("ok", flush=True)
    for ending in sorted(untried): print(f"{ending}: FAILED no file of this format is tried; add one to tests/fuzz.py")
    return int(bool(failed or untried))


def check_fuzz() -> dict[str, list[str]]:
    "damaged files of every format give a typed error or a shape, never a traceback, a hang or a gigabyte"
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True)
    problems = [line for line in done.stdout.splitlines() if "FAILED" in line]
    if done.returncode and not problems:     # a hang, or the end of the process: the last line is where
        last = (done.stdout.splitlines() or ["nothing"])[-1]
        problems = [f"{last} ended with {done.returncode}: {done.stderr[-1500:]}"]
    return {"fuzz": problems}


if __name__ == "__main__": sys.exit(main())
