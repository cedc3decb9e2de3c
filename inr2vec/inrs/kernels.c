/* The gradient of one INR and a step of Adam. Explained piece by piece in nbs/inrs/40_c_kernels.ipynb.
   Matrices are row-major; sgemm is Fortran's and sees their transposes. */
#include <math.h>
#include <stdint.h>

/* == bfloat16 ==
   Two bfloat16 numbers share 32 bits, the first in the lower half. DOT adds to 16 sums the products of 16 such pairs. */
typedef float v16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t u16 __attribute__((vector_size(64), aligned(4), may_alias));
#ifdef __AVX512BF16__
#include <immintrin.h>
#define DOT(c, a, b) ((v16)_mm512_dpbf16_ps((__m512)(c), (__m512bh)(a), (__m512bh)(b)))
int has_bfloat16(void) { return 1; }
#else   /* the same sums, without the instruction */
#define DOT(c, a, b) ((c) + (v16)((a) << 16)*(v16)((b) << 16) + (v16)((a) & 0xffff0000u)*(v16)((b) & 0xffff0000u))
int has_bfloat16(void) { return 0; }
#endif

/* x rounded to the nearest bfloat16, ties to even */
static inline uint32_t rounded(float x) {
    union { float f; uint32_t u; } v = { x };
    return (v.u + 0x7fff + (v.u >> 16 & 1)) >> 16;
}

/* z (rows, h) to pairs of neighbours in a row: (rows, h/2) */
static void pair_rows(int rows, int h, const float *restrict z, uint32_t *restrict to) {
    for (int64_t i = 0; i < (int64_t)rows*h/2; i++) to[i] = rounded(z[2*i]) | rounded(z[2*i + 1]) << 16;
}

/* z (rows, h) to pairs of neighbours in a column: (rows/2, h); an odd last row is paired with zeros */
static void pair_columns(int rows, int h, const float *restrict z, uint32_t *restrict to) {
    for (int r = 0; r + 1 < rows; r += 2, z += 2*h, to += h)
        for (int i = 0; i < h; i++) to[i] = rounded(z[i]) | rounded(z[i + h]) << 16;
    if (rows & 1)
        for (int i = 0; i < h; i++) to[i] = rounded(z[i]);
}

/* z (rows, h) to pairs of neighbours in a row, transposed: (h/2, rows) */
static void pair_transposed(int rows, int h, const float *restrict z, uint32_t *restrict to) {
    for (int r = 0; r < rows; r++, z += h)
        for (int i = 0; i < h/2; i++) to[(int64_t)i*rows + r] = rounded(z[2*i]) | rounded(z[2*i + 1]) << 16;
}

/* mr rows (up to 6) and 16*nv columns of C = A B, summed in float32; A's pair (i, k) is at i*sm + k*sk */
static inline __attribute__((always_inline)) void tile(
        int mr, int nv, int n, int64_t k, const uint32_t *a, int64_t sm, int64_t sk, const uint32_t *b, float *c,
        int add) {
    v16 sum[6][4];
    #pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
        #pragma GCC unroll 4
        for (int j = 0; j < nv; j++) sum[i][j] = add ? *(v16*)(c + (int64_t)i*n + 16*j) : (v16){0};
    for (; k--; a += sk, b += n) {
        u16 v[4];
        #pragma GCC unroll 4
        for (int j = 0; j < nv; j++) v[j] = *(const u16*)(b + 16*j);
        #pragma GCC unroll 8
        for (int i = 0; i < mr; i++) {
            u16 w = a[i*sm] - (u16){0};
            #pragma GCC unroll 4
            for (int j = 0; j < nv; j++) sum[i][j] = DOT(sum[i][j], w, v[j]);
        }
    }
    #pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
        #pragma GCC unroll 4
        for (int j = 0; j < nv; j++) *(v16*)(c + (int64_t)i*n + 16*j) = sum[i][j];
}

/* C (m, n) = A B, or C += A B with `add`; k counts pairs */
static void product(int m, int n, int k, const uint32_t *a, int64_t sm, int64_t sk, const uint32_t *b, float *c,
                    int add) {
    for (int j = 0; j < n; j += n - j < 64 ? 16 : 64)
        for (int i = 0; i < m; i += m - i < 6 ? 1 : 6) {
            const uint32_t *s = a + i*sm, *t = b + j;
            float *to = c + (int64_t)i*n + j;
            if (n - j >= 64 && m - i >= 6) tile(6, 4, n, k, s, sm, sk, t, to, add);
            else if (n - j >= 64) tile(1, 4, n, k, s, sm, sk, t, to, add);
            else if (m - i >= 6) tile(6, 1, n, k, s, sm, sk, t, to, add);
            else tile(1, 1, n, k, s, sm, sk, t, to, add);
        }
}

/* == activation == */
/* z (rows, h): sin(z + bias) replaces z, cos(z + bias) goes to c */
static void sine_and_cosine(int64_t rows, int h, float *restrict z, const float *restrict bias, float *restrict c) {
    for (; rows--; z += h, c += h)
        for (int i = 0; i < h; i++) {
            float t = (z[i] + bias[i])*.159154943f, r = t - rintf(t), q = r*r, p = q*q;
            float s = r*((3.14159265f - 5.16771278f*q)
                         + p*((2.55016404f - .599264529f*q) + p*(.0821458866f - .00737043094f*q)));
            float k = (1 - 4.93480220f*q)
                      + p*((4.05871213f - 1.33526277f*q) + p*((.235330630f - .0258068913f*q) + p*.00192957431f));
            z[i] = 2*s*k;
            c[i] = 1 - 2*s*s;
        }
}

/* grad (rows, h) is multiplied by c, and its columns are added to total */
static void multiply_and_sum(int64_t rows, int h, float *restrict grad, const float *restrict c,
                             float *restrict total) {
    for (; rows--; grad += h, c += h)
        for (int i = 0; i < h; i++) total[i] += grad[i] *= c[i];
}

/* == loss == */
/* cross-entropy of a logit z with the label y, or the focal loss (alpha .9, gamma 3); its derivative goes to d */
static float loss_of(float z, float y, int focal, int want, float *d) {
    float e = expf(-fabsf(z)), s = z >= 0 ? 1/(1 + e) : e/(1 + e);
    float ce = want || focal ? fmaxf(z, 0) - z*y + log1pf(e) : 0;
    if (!focal) {
        *d = s - y;
        return ce;
    }
    float wrong = s*(1 - y) + (1 - s)*y, a = .9f*y + .1f*(1 - y);
    *d = a*wrong*wrong*(wrong*(s - y) + 3*(1 - 2*y)*s*(1 - s)*ce);
    return a*wrong*wrong*wrong*ce;
}

/* == gradient == */
typedef const int *I;
typedef const float *F;
typedef const char *T;
typedef void (*sgemm_t)(T, T, I, I, I, F, F, I, F, I, F, float*, I);

/* Adds the gradient of the mean loss over n points to g, and returns the loss if `want`.
   in, h, layers: the SIREN; k: its frequency; chunk: points at once; x (n, in); label (n,); p: parameters times k;
   buffer: sines and cosines of a chunk; half: room for pairs, or 0: then products of hidden layers are float32 */
double gradient(sgemm_t sgemm, int in, int h, int layers, int64_t n, int chunk, float k, const float *x,
                const float *label, const float *p, float *g, float *buffer, uint32_t *half, int focal, int want) {
    const float one = 1, zero = 0;
    const int64_t size = (int64_t)chunk*h;
    float *corner = buffer + 2*layers*size;
    double loss = 0;
    #define SINE(i) (buffer + 2*(i)*size)                                   /* a layer's sines; its cosines follow */
    #define AT(i) ((i) ? h*(in + 1) + ((i) - 1)*(int64_t)h*(h + 1) : 0)     /* where a layer's parameters start */
    #define FORTH(i) (half + ((i) - 1)*(int64_t)h*h)                        /* its matrix in pairs, for each way */
    #define BACK(i) (FORTH(i) + (int64_t)h*h/2)
    uint32_t *row = half ? half + (layers - 1)*(int64_t)h*h : 0;
    uint32_t *left = half ? row + size/2 : 0, *right = half ? left + (chunk + 1)/2*(int64_t)h : 0;
    for (int i = 1; half && i < layers; i++) {
        pair_transposed(h, h, p + AT(i), FORTH(i));
        pair_columns(h, h, p + AT(i), BACK(i));
    }
    for (int64_t j = 0; j < n; j += chunk, x += chunk*in, label += chunk) {
        int m = n - j < chunk ? n - j : chunk;
        for (int i = 0; i < layers; i++) {                                  /* forwards */
            int d = i ? h : in;
            if (half && i) {
                pair_rows(m, h, SINE(i - 1), row);
                product(m, h, h/2, row, h/2, 1, FORTH(i), SINE(i), 0);
            }
            else sgemm("T", "N", &h, &m, &d, &one, p + AT(i), &d, i ? SINE(i - 1) : x, &d, &zero, SINE(i), &h);
            sine_and_cosine(m, h, SINE(i), p + AT(i) + h*d, SINE(i) + size);
        }
        const float *w = p + AT(layers);
        float *gw = g + AT(layers), *s = SINE(layers - 1);
        for (int r = 0; r < m; r++, s += h) {                               /* the last layer and the loss */
            float z = 0, d;
            #pragma omp simd reduction(+:z)
            for (int i = 0; i < h; i++) z += s[i]*w[i];
            loss += loss_of((z + w[h])/k, label[r], focal, want, &d);
            d /= n*k;
            gw[h] += d;
            for (int i = 0; i < h; i++) {
                gw[i] += d*s[i];
                s[i] = d*w[i];                                              /* the gradient takes the sines' place */
            }
        }
        for (int i = layers - 1; i >= 0; i--) {                             /* backwards */
            int d = i ? h : in;
            s = SINE(i);
            gw = g + AT(i);
            multiply_and_sum(m, h, s, s + size, gw + h*d);
            if (half && i) {
                pair_columns(m, h, s, left);
                pair_columns(m, h, SINE(i - 1), right);
                product(h, h, (m + 1)/2, left, 1, h, right, gw, 1);
                pair_rows(m, h, s, row);
                product(m, h, h/2, row, h/2, 1, BACK(i), SINE(i - 1), 0);
            } else if (i) {
                sgemm("N", "T", &h, &h, &m, &one, SINE(i - 1), &h, s, &h, &one, gw, &h);
                sgemm("N", "N", &h, &m, &h, &one, p + AT(i), &h, s, &h, &zero, SINE(i - 1), &h);
            } else {
                sgemm("N", "T", &h, &in, &m, &one, s, &h, x, &in, &zero, corner, &h);
                for (int o = 0; o < h; o++)
                    for (int q = 0; q < in; q++) gw[o*in + q] += corner[q*h + o];
            }
        }
    }
    return loss/n;
}

/* == adam == */
/* a step: m and v are the moments of g, which is left at zero; c1 and c2 are one less the betas */
void adam_step(int64_t n, float *restrict p, float *restrict g, float *restrict m, float *restrict v, float c1,
               float c2, float rate, float root, float eps) {
    for (int64_t i = 0; i < n; i++) {
        m[i] += c1*(g[i] - m[i]);
        v[i] += c2*(g[i]*g[i] - v[i]);
        g[i] = 0;
        p[i] -= rate*m[i]/(sqrtf(v[i])*root + eps);
    }
}
