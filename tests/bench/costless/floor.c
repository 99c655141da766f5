/* The control arithmetic of one tick in C: what a compiler makes of the same integers. It is the
 * floor for thermal.step, burst.fire and hydraulics.follow; control.py checks that both sides end
 * with the same words. Reads "name: words" lines, runs N ticks, prints the words. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))
#define CLAMP(x, low, high) do { if ((x) < (low)) (x) = (low); if ((x) > (high)) (x) = (high); } while (0)

NOINLINE int32_t step(int32_t *w) {
    int32_t t = w[0], ts = w[1], q = w[2], d = w[3] - 4194304;
    int32_t power = w[12], loss = w[16], inlet = w[18];
    int32_t e = w[5] * 1024 - ts;
    CLAMP(e, -8388608, 8388608);
    q += ((w[6] * power - q) * w[13] + 32768) >> 16;
    int32_t water = ((((t >> 14) - inlet) * w[7]) >> 10) * 70;
    int32_t net = q - water - (((t - w[17]) >> 10) * loss >> 10) + d;
    CLAMP(net, -3670016, 3670016);
    int32_t tn = t + ((net * w[14] + 32768) >> 16) + ((e * 61) >> 10);
    ts += ((((t - ts) >> 6) * w[15] + 512) >> 10) + ((e * 51) >> 10);
    t = tn;
    d += ((e >> 4) * w[19]) >> 6;
    CLAMP(d, -4194304, 4194303);
    if (t < 0) t = 0;
    if (ts < 0) ts = 0;
    w[0] = t;
    w[1] = ts;
    w[2] = q;
    w[3] = d + 4194304;
    int32_t ref = w[9];
    int32_t want = (((ref - w[17]) >> 10) * loss >> 10) - d;
    want += ((((ref >> 14) - inlet) * w[8]) >> 10) * 70;
    int32_t miss = ref - t;
    CLAMP(miss, -20971520, 20971520);
    if (w[10] && miss < 0) miss = 0;
    int32_t v = want + (((miss >> 6) * w[11]) >> 4);
    int32_t lag = want - q;
    CLAMP(lag, -8388608, 8388608);
    v += lag * 4;
    CLAMP(v, 0, power);
    return w[4] = v * 256 / (power >> 8);
}

NOINLINE int32_t fire(int32_t *w, int32_t brew_first) {
    int32_t parity = w[6] ^ 1, step = parity + parity - 1, due = 0;
    w[6] = parity;
    for (int i = 0; i < 2; i++) {
        int32_t acc = w[i] == 0 ? 0 : w[2 + i] + w[i];
        w[i] = 0;
        if (acc > 196608) acc = 196608;
        w[2 + i] = acc;
        if (acc >= 65536 && ((w[4 + i] - 8) * step <= 0 || acc >= 131072)) due |= 1 << i;
    }
    if (due == 3 && w[7] == 0) due = !brew_first && w[3] > w[2] ? 2 : 1;
    for (int i = 0; i < 2; i++)
        if ((due >> i) & 1) {
            w[2 + i] -= 65536;
            int32_t dc = w[4 + i] + step;
            CLAMP(dc, 0, 15);
            w[4 + i] = dc;
        }
    return due;
}

NOINLINE int32_t follow(int32_t *w) {
    int32_t p = w[0], q = w[1] - 2097152, u = w[2], free = w[8], mode = w[4];
    int32_t i = p >> 18;
    if (i > 16) i = 16;
    int32_t c = w[13 + i];
    c += ((w[14 + i] - c) * ((p >> 8) & 1023)) >> 10;
    int32_t n = w[12];
    n += ((u - n) * w[11]) >> 16;
    w[12] = n;
    int32_t slip = (free * (p >> 8) / w[9]) << 6;
    int32_t dq = ((free * (n >> 2) / 250 - slip) * w[10]) >> 10;
    if (dq < 0) dq = 0;
    dq -= q;
    CLAMP(dq, -500000, 500000);
    int32_t e = (w[3] << 8) - p;
    p += ((dq * (655360 / c)) >> 14) + ((e * 307) >> 10);
    q -= ((e >> 4) * (c * 9 >> 2)) >> 8;
    if (p < 0) p = 0;
    CLAMP(q, -200000, 1000000);
    w[0] = p;
    w[1] = q + 2097152;
    if (mode == 0) return u;
    int32_t ref = w[5], limit = w[6], want;
    if (mode == 1) {
        int32_t pace = w[7] - 1048576 + (((ref - p) * 10) >> 8);
        want = q + ((c * pace) >> 4);
        if (want > limit) want = limit;
    } else {
        want = ref;
        if (limit < 67108863) {
            int32_t most = q + ((c * (((limit - p) * 10) >> 8)) >> 4);
            if (want > most) want = most;
        }
    }
    CLAMP(want, 0, 1000000);
    want = (want << 10) / w[10] + slip;
    if (want > 2000000) want = 2000000;
    u = want * 1000 / free;
    u += u - n;
    CLAMP(u, 0, 64000);
    return w[2] = u;
}

static int32_t words[4][64];

static void load(int32_t *w) {
    int n = 0;
    if (scanf("%d", &n) != 1 || n > 64) exit(2);
    for (int i = 0; i < n; i++)
        if (scanf("%d", &w[i]) != 1) exit(2);
}

int main(int argc, char **argv) {
    int ticks = argc > 1 ? atoi(argv[1]) : 0;
    int steam = 0, pump = 0;
    if (scanf("%d %d", &steam, &pump) != 2) return 2;
    for (int k = 0; k < 4; k++) load(words[k]);
    int32_t *brew = words[0], *second = words[1], *burst = words[2], *water = words[3];
    for (int k = 0; k < ticks; k++) {
        burst[0] = step(brew);
        if (steam) burst[1] = step(second);
        int32_t on = fire(burst, 1);
        brew[6] = on & 1;
        second[6] = on >> 1;
        if (pump) follow(water);
    }
    for (int i = 0; i < 8; i++) printf("%d %d %d %d\n", brew[i], second[i], burst[i], water[i]);
}
