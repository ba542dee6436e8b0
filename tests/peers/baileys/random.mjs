// Random values, the same on every machine for one seed (mulberry32).
export function createRandom(seed) {
    let state = seed >>> 0
    const random = () => {
        state = (state + 0x6d2b79f5) >>> 0
        let t = state
        t = Math.imul(t ^ (t >>> 15), t | 1)
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    }
    const below = n => Math.floor(random() * n)
    const pick = list => list[below(list.length)]
    return {
        random, below, pick,
        chance: share => random() < share,
        chars: (alphabet, n) => Array.from({ length: n }, () => pick([...alphabet])).join(''),
        bytes: n => Buffer.from(Array.from({ length: n }, () => below(256)))
    }
}
