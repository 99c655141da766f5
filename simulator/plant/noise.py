# Seeded chance: one xorshift generator a stream, and a bell curve made of its bytes.
import micropython

# N(0,1) is returned as 1024 = one sigma
ONE = 1024


def stream(seed, number):
    """First state of stream `number` of a seed: a non-zero 32-bit word.

    Numbers and seeds are mixed (Knuth's multiplicative hash), so that neighbours share nothing.
    """
    x = (seed * 2654435761 + number * 40503 + 2463534242) & 0xFFFFFFFF
    x ^= x >> 15
    x = x * 2246822519 & 0xFFFFFFFF
    x ^= x >> 13
    return x or 1


@micropython.viper
def uniform(r, i: int) -> int:
    """Next 32-bit word of stream r[i] (Marsaglia, Xorshift RNGs, 2003: shifts 13, 17, 5)."""
    x = int(r[i])
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    r[i] = x
    return x


@micropython.viper
def normal(r, i: int) -> int:
    """N(0, 1) as 1024 = one sigma: the sum of eight uniform bytes (Irwin-Hall), |z| < 4.9.

    Eight bytes have mean 1020 and sigma sqrt(8 * 65535 / 12) = 209.02; 5017/1024 = 1024/209.02.
    """
    x = int(r[i])
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    n = (x & 255) + ((x >> 8) & 255) + ((x >> 16) & 255) + (x >> 24)
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    n += (x & 255) + ((x >> 8) & 255) + ((x >> 16) & 255) + (x >> 24)
    r[i] = x
    return ((n - 1020) * 5017) >> 10
