/* The control arithmetic of one tick in C: what a compiler makes of the same integers. It is the
 * floor for burst.fire and hydraulics.follow; tick.py checks that both sides end with the same
 * words. Reads "count words" lines, runs N ticks, prints the words. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))
#define CLAMP(x, low, high) do { if ((x) < (low)) (x) = (low); if ((x) > (high)) (x) = (high); } while (0)

static int32_t duty_of(int32_t *w, int32_t fired) {
    int32_t t = w[0], ts = w[1], q = w[2], d = w[3] - 4194304;
    int32_t power = w[12], loss = w[16], inlet = w[18];
    int32_t e = w[5] * 1024 - ts;
    CLAMP(e, -8388608, 8388608);
    q += ((fired * power - q) * w[13] + 32768) >> 16;
    int32_t water = ((((t >> 14) - inlet) * w[7]) >> 10) * 70;
    int32_t net = q - water - (((t - w[17]) >> 10) * loss >> 10) + d;
    CLAMP(net, -3670016, 3670016);
    ts += ((((t - ts) >> 6) * w[15] + 512) >> 10) + ((e * 51) >> 10);
    t += ((net * w[14] + 32768) >> 16) + ((e * 61) >> 10);
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
    int32_t lag = want - q;
    CLAMP(lag, -8388608, 8388608);
    int32_t v = want + (((miss >> 6) * w[11]) >> 4) + lag * 4;
    CLAMP(v, 0, power);
    return w[4] = v * 256 / (power >> 8);
}

NOINLINE int32_t fire(int32_t *w, int32_t *steam, int32_t *b, int32_t how) {
    int32_t phase = (b[6] + 1) & 3, sign = (phase & 1) * 2 - 1, due = 0;
    b[6] = phase;
    for (int i = 0; i < b[12]; i++, w = steam) {
        w[6] = (b[13] >> i) & 1;
        w[7] = how >> 5 == i ? b[8] : 0;
        int32_t duty = w[21] ? duty_of(w, w[6]) : 0;
        if (how & (8 << i)) duty = b[i];
        if (!(how & (2 << i))) duty = 0;
        b[i] = duty;
        int32_t acc = duty ? b[2 + i] + duty : 0;
        if (acc > 196608) acc = 196608;
        b[2 + i] = acc;
        if (acc >= 65536 && ((b[4 + i] - 8) * sign <= 0 || acc >= 131072)) due |= 1 << i;
    }
    if (due == 3 && b[7] == 0) {
        due = 1;
        if (!(how & 1)) due = b[3] > b[2] ? 2 : b[3] == b[2] ? 1 + (phase >> 1) : 1;
    }
    b[13] = due;
    for (int i = 0; due >> i; i++)
        if ((due >> i) & 1) {
            b[2 + i] -= 65536;
            b[9] += b[10 + i];
            int32_t dc = b[4 + i] + sign;
            CLAMP(dc, 0, 15);
            b[4 + i] = dc;
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
    w[7] = dq >> 6;
    if (u && w[34] + w[7] < 50000000) w[34] += w[7];
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
    int32_t ref = w[5], limit = w[6], want, slope = 0;
    if (w[31]) {
        slope = w[32] - 8388608;
        ref = --w[31] ? ref + slope : w[33];
        slope = (slope * 100) >> 8;
        w[5] = ref;
    }
    if (mode == 1) {
        int32_t pace = slope + (((ref - p) * 10) >> 8);
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
    int how = 0, pump = 0;
    if (scanf("%d %d", &how, &pump) != 2) return 2;
    for (int k = 0; k < 4; k++) load(words[k]);
    int32_t *brew = words[0], *second = words[1], *burst = words[2], *water = words[3];
    for (int k = 0; k < ticks; k++) {
        fire(brew, second, burst, how);
        if (pump) follow(water);
    }
    for (int i = 0; i < 8; i++) printf("%d %d %d %d\n", brew[i], second[i], burst[i], water[i]);
}
