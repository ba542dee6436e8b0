/* A field element is five limbs of 51 bits, v[0] + v[1] 2^51 + ...; since 2^255 = 19 (mod p), the
 * upper half of a product folds back times 19. Limbs may exceed 51 bits by a little between
 * reductions; the comments give the bounds that keep the 128-bit sums from overflowing. */
#include "crypto/prim_fe25519.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

struct fe {
    uint64_t v[5];
};

static const uint64_t MASK51 = ((uint64_t)1 << 51) - 1;
static const struct fe ONE = {{1, 0, 0, 0, 0}};

static uint64_t load64_le(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static struct fe fe_from_bytes(const uint8_t b[static FE25519_BYTES])
{
    uint64_t w0 = load64_le(b), w1 = load64_le(b + 8), w2 = load64_le(b + 16),
             w3 = load64_le(b + 24);

    return (struct fe){{w0 & MASK51, (w0 >> 51 | w1 << 13) & MASK51, (w1 >> 38 | w2 << 26) & MASK51,
                        (w2 >> 25 | w3 << 39) & MASK51, w3 >> 12 & MASK51}};
}

/* Carries bits above 51 into the next limb, and from the last limb, times 19, into the first. */
static struct fe fe_carry(struct fe a)
{
    for (unsigned i = 0; i < 4; i++) {
        a.v[i + 1] += a.v[i] >> 51;
        a.v[i] &= MASK51;
    }
    a.v[0] += 19 * (a.v[4] >> 51);
    a.v[4] &= MASK51;
    return a;
}

static struct fe fe_add(struct fe a, struct fe b)
{
    for (unsigned i = 0; i < 5; i++)
        a.v[i] += b.v[i];
    return fe_carry(a);
}

/* a - b + 2p, which is positive while the limbs of b are at most 2^52 - 38. */
static struct fe fe_sub(struct fe a, struct fe b)
{
    a.v[0] += 2 * (MASK51 - 18) - b.v[0];
    for (unsigned i = 1; i < 5; i++)
        a.v[i] += 2 * MASK51 - b.v[i];
    return fe_carry(a);
}

/* Limbs under 2^52: each column is under 5 * 19 * 2^104 < 2^111. Columns past the fifth fold back
 * times 19, a factor that is put into b beforehand (19 * 2^52 < 2^57). */
static struct fe fe_mul(struct fe a, struct fe b)
{
    const uint64_t *x = a.v, *y = b.v;
    uint64_t z1 = 19 * y[1], z2 = 19 * y[2], z3 = 19 * y[3], z4 = 19 * y[4];
    struct fe r;

    u128 c;

    c = (u128)x[0] * y[0] + (u128)x[1] * z4 + (u128)x[2] * z3 + (u128)x[3] * z2 + (u128)x[4] * z1;
    r.v[0] = (uint64_t)c & MASK51;
    c >>= 51; /* under 2^60 */
    c +=
        (u128)x[0] * y[1] + (u128)x[1] * y[0] + (u128)x[2] * z4 + (u128)x[3] * z3 + (u128)x[4] * z2;
    r.v[1] = (uint64_t)c & MASK51;
    c >>= 51;
    c += (u128)x[0] * y[2] + (u128)x[1] * y[1] + (u128)x[2] * y[0] + (u128)x[3] * z4 +
         (u128)x[4] * z3;
    r.v[2] = (uint64_t)c & MASK51;
    c >>= 51;
    c += (u128)x[0] * y[3] + (u128)x[1] * y[2] + (u128)x[2] * y[1] + (u128)x[3] * y[0] +
         (u128)x[4] * z4;
    r.v[3] = (uint64_t)c & MASK51;
    c >>= 51;
    c += (u128)x[0] * y[4] + (u128)x[1] * y[3] + (u128)x[2] * y[2] + (u128)x[3] * y[1] +
         (u128)x[4] * y[0];
    r.v[4] = (uint64_t)c & MASK51;
    c >>= 51;
    c = c * 19 + r.v[0]; /* over 64 bits: added as two limbs */
    r.v[0] = (uint64_t)c & MASK51;
    r.v[1] += (uint64_t)(c >> 51);
    return r;
}

static struct fe fe_square_times(struct fe a, unsigned times)
{
    while (times-- > 0)
        a = fe_mul(a, a);
    return a;
}

/* a^(p-2) = 1/a (Fermat). p - 2 = 2^255 - 21 is 250 ones followed by 01011. Each step doubles or
 * extends the run of ones: x_n stands for a^(2^n - 1). */
static struct fe fe_invert(struct fe a)
{
    struct fe x2 = fe_mul(fe_square_times(a, 1), a);
    struct fe x3 = fe_mul(fe_square_times(x2, 1), a);
    struct fe x5 = fe_mul(fe_square_times(x3, 2), x2);
    struct fe x10 = fe_mul(fe_square_times(x5, 5), x5);
    struct fe x20 = fe_mul(fe_square_times(x10, 10), x10);
    struct fe x40 = fe_mul(fe_square_times(x20, 20), x20);
    struct fe x50 = fe_mul(fe_square_times(x40, 10), x10);
    struct fe x100 = fe_mul(fe_square_times(x50, 50), x50);
    struct fe x200 = fe_mul(fe_square_times(x100, 100), x100);
    struct fe x250 = fe_mul(fe_square_times(x200, 50), x50);
    struct fe x01 = fe_mul(fe_square_times(x250, 2), a);

    return fe_mul(fe_square_times(x01, 3), x2);
}

/* Writes the one value below p. */
static void fe_to_bytes(struct fe a, uint8_t out[static FE25519_BYTES])
{
    uint64_t q = 19;

    a = fe_carry(fe_carry(a));
    /* a < 2^255: subtracting p is needed exactly when a + 19 reaches 2^255. */
    for (unsigned i = 0; i < 5; i++)
        q = (a.v[i] + q) >> 51;
    a.v[0] += 19 * q;
    for (unsigned i = 0; i < 4; i++) {
        a.v[i + 1] += a.v[i] >> 51;
        a.v[i] &= MASK51;
    }
    a.v[4] &= MASK51;
    for (unsigned i = 0; i < FE25519_BYTES; i++) {
        unsigned bit = 8 * i, limb = bit / 51, shift = bit % 51;
        uint64_t v = a.v[limb] >> shift;

        if (shift > 43 && limb < 4)
            v |= a.v[limb + 1] << (51 - shift);
        out[i] = (uint8_t)v;
    }
}

bool fe25519_u_to_y(const uint8_t u[static FE25519_BYTES], uint8_t ret_y[static FE25519_BYTES])
{
    static const uint8_t zero[FE25519_BYTES];
    uint8_t check[FE25519_BYTES];
    struct fe fu = fe_from_bytes(u);
    struct fe under = fe_add(fu, ONE);

    fe_to_bytes(under, check);
    if (memcmp(check, zero, sizeof zero) == 0)
        return false;
    fe_to_bytes(fe_mul(fe_sub(fu, ONE), fe_invert(under)), ret_y);
    return true;
}
