// The binary node codec against Baileys' own.
//
//   node node_codec.mjs PATH_OF_NODE_PIPE [COUNT] [SEED]
//
// Random stanzas are encoded by Baileys, read and written again by ours (node_pipe), and then:
//   1. our XML is what the stanza says;
//   2. Baileys reads our bytes as the same stanza;
//   3. our bytes are Baileys' bytes, unless the stanza holds one of the forms below, in which the
//      two encoders differ by design. Each value carries the rule, nothing is compared loosely.
//
// Where the encoders differ:
//   empty attribute   Baileys writes FC 00, we leave the attribute out (P-BN-10, P-BN-11)
//   empty child list  Baileys writes LIST_EMPTY, we write no content
//   device 0          Baileys writes "u:0@server" as AD_JID, we as JID_PAIR (P-BN-15)
//   hosted, no device Baileys writes JID_PAIR, we AD_JID (P-BN-15)
//   c.us              we read it as s.whatsapp.net (P-BN-21)
//   any text with '@' Baileys writes JID_PAIR; servers and users that are no address for us stay text
//   address as content Baileys writes a JID form, we its text
// Forms that Baileys only reads are put into its encoding by hand (`crafted`).
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { deflateSync } from 'node:zlib'
import { decodeBinaryNode, encodeBinaryNode } from 'baileys'
import * as constants from 'baileys/lib/WABinary/constants.js'
import { createRandom } from './random.mjs'

const SINGLE = constants.SINGLE_BYTE_TOKENS.slice(1)
const DOUBLE = constants.DOUBLE_BYTE_TOKENS.flat()
const TOKENS = [...SINGLE, ...DOUBLE]

const [pipe, countArg, seedArg] = process.argv.slice(2)
const COUNT = Number(countArg ?? process.env.NODE_CODEC_COUNT ?? 5000)
const { random, below, pick, chars, bytes } = createRandom(Number(seedArg ?? 20260101))

// ---- values: { send, text, back, exact } ------------------------------------------------------
// send: for Baileys' encoder; text: in our XML; back: what Baileys reads from our bytes;
// exact: both encodings are equal; wire: bytes to put in the place of `send`.

const same = (text, exact = true) => ({ send: text, text, back: text, exact })

let marks = 0
function crafted(wire, text, back, exact = false) {
    const send = `~mark${String(marks++).padStart(8, '0')}~`
    return { send, text, back, exact, wire: Buffer.from(wire) }
}

const nibbles = text => {
    const padded = text.length % 2 ? text + 'f' : text
    return [0xff, (padded.length / 2) | (text.length % 2 ? 0x80 : 0), ...Buffer.from(padded, 'hex')]
}

const user = () => chars('0123456789', 5 + below(12)).replace(/^0/, '1')
// 64 and the like are tokens: an address may carry those too
const anyUser = () => (random() < 0.1 ? pick(DOUBLE.filter(t => /^\d+$/.test(t))) : user())

const strings = [
    () => same(pick(SINGLE)),
    () => same(pick(DOUBLE)),
    () => same(chars('0123456789-.', 1 + below(40))),
    () => same(chars('0123456789ABCDEF', 1 + below(40))),
    () => same(chars('0123456789-.', 126 + below(4))),
    () => same(chars('0123456789ABCDEF', 126 + below(4))),
    () => same(chars('0123456789abcdef', 1 + below(40))),
    () => same(chars('abcXYZ _:/+=é漢😀<>&"\\', 1 + below(60))),
    () => same(chars('xyz ', 250 + below(12))),
]
const addresses = [
    () => same(`${anyUser()}@s.whatsapp.net`),
    () => same(`${anyUser()}@lid`),
    () => same(`${user()}:${1 + below(255)}@s.whatsapp.net`),
    () => same(`${user()}:${1 + below(255)}@lid`),
    () => same(`${user()}:${1 + below(255)}@${pick(['hosted', 'hosted.lid'])}`),
    () => same(`${user()}@g.us`),
    () => same(`${user()}-${user()}@g.us`),
    () => same(`${pick(['status', user()])}@broadcast`),
    () => same(`${user()}@${pick(['newsletter', 'bot'])}`),
    () => same(`${chars('0123456789ABCDEF', 16)}@call`),
    () => {
        const server = pick(['s.whatsapp.net', 'g.us', 'lid', 'broadcast', 'newsletter', 'call'])
        return { send: '@' + server, text: server, back: '@' + server, exact: true }
    },
    () => {
        const u = user()
        const server = pick(['s.whatsapp.net', 'lid'])
        return { send: `${u}:0@${server}`, text: `${u}@${server}`, back: `${u}@${server}`, exact: false }
    },
    () => same(`${user()}@${pick(['hosted', 'hosted.lid'])}`, false),
    () => {
        const u = user()
        return { send: `${u}@c.us`, text: `${u}@s.whatsapp.net`, back: `${u}@s.whatsapp.net`, exact: false }
    },
    () => same(`${user()}@example.org`, false),
    () => same(`${chars('0123456789', 64 + below(9))}@lid`, false),
    () => same(`${user()}.${user()}@g.us`, false),
    () => {
        const u = user()
        const device = below(65536)
        const wire = [246, ...nibbles(u), device >> 8, device & 255, constants.SINGLE_BYTE_TOKENS.indexOf('msgr')]
        return crafted(wire, device ? `${u}:${device}@msgr` : `${u}@msgr`, `${u}:${device}@msgr`, true)
    },
    () => {
        const u = user()
        const device = below(65536)
        const integrator = below(65536)
        const wire = [245, ...nibbles(u), device >> 8, device & 255, integrator >> 8, integrator & 255]
        wire.push(252, 7, ...Buffer.from('interop'))
        const text = device ? `${u}:${device}@interop` : `${u}@interop`
        return crafted(wire, text, `${integrator}-${u}:${device}@interop`, true)
    },
    () => {
        const u = user()
        const agent = 2 + below(126)
        const device = 1 + below(255)
        const back = `${u}:${device}@s.whatsapp.net` // agents are read, never written
        return crafted([247, agent, device, ...nibbles(u)], `${u}.${agent}:${device}@s.whatsapp.net`, back)
    },
]
const oddForms = [
    () => ({ send: '', text: '', back: undefined, exact: false }),
    () => crafted([255, 0], '', undefined),
    () => crafted([0], '', undefined),
    () => {
        const text = chars('xyz', 1 + below(5))
        return crafted([253, 0, 0, text.length, ...Buffer.from(text)], text, text)
    },
    () => {
        const text = chars('xyz', 1 + below(5))
        return crafted([253, 0xf0, 0, text.length, ...Buffer.from(text)], text, text)
    },
    () => {
        const text = pick(TOKENS)
        return crafted([254, 0, 0, 0, text.length, ...Buffer.from(text)], text, text)
    },
]

function value() {
    const r = random()
    if (r < 0.55) return pick(strings)()
    return r < 0.95 ? pick(addresses)() : pick(oddForms)()
}

// Numbers as keys would be put into another order by JavaScript's objects.
const isNumber = text => /^(0|[1-9]\d*)$/.test(text)
const KEYS = TOKENS.filter(t => !isNumber(t))

function name() {
    return random() < 0.8 ? pick(KEYS) : 'x' + chars('abcdef-_', 1 + below(12))
}

// ---- stanzas ----------------------------------------------------------------------------------

const sizes = [0, 1, 3, 40, 255, 256, 300, 5000]

function content(depth) {
    const r = random()
    if (r < 0.3) return { kind: 'none' }
    if (r < 0.5) return { kind: 'bytes', bytes: bytes(pick(sizes)) }
    if (r < 0.6) return { kind: 'text', value: pick(strings)() }
    if (r < 0.63) return { kind: 'text', value: same(`${user()}:5@lid`, false) }
    if (r < 0.65) return { kind: 'list', children: [] }
    if (depth >= 6) return { kind: 'none' }
    const n = random() < 0.01 ? 250 + below(12) : 1 + below(4)
    return { kind: 'list', children: Array.from({ length: n }, () => stanza(n > 9 ? 9 : depth + 1)) }
}

function stanza(depth) {
    const attrs = new Map()
    const n = random() < 0.005 ? 126 + below(5) : below(6)
    for (let i = 0; i < n; i++) attrs.set(n > 9 ? `k-${i}x` : name(), value())
    const tag = random() < 0.1 ? pick(TOKENS.filter(t => t !== '0')) : name()
    return { tag, attrs, content: depth > 8 ? { kind: 'none' } : content(depth) }
}

function forBaileys({ tag, attrs, content }) {
    const node = { tag, attrs: Object.fromEntries([...attrs].map(([k, v]) => [k, v.send])) }
    if (content.kind === 'bytes') node.content = content.bytes
    if (content.kind === 'text') node.content = content.value.send
    if (content.kind === 'list') node.content = content.children.map(forBaileys)
    return node
}

function values({ attrs, content }) {
    const own = [...attrs.values()]
    if (content.kind === 'text') own.push(content.value)
    return content.kind === 'list' ? own.concat(content.children.flatMap(values)) : own
}

function isExact(node) {
    const emptyList = n => n.content.kind === 'list' && (!n.content.children.length || n.content.children.some(emptyList))
    return values(node).every(v => v.exact) && !emptyList(node)
}

function encode(node) {
    let out = encodeBinaryNode(forBaileys(node))
    for (const v of values(node)) {
        if (!v.wire) continue
        const mark = Buffer.concat([Buffer.from([252, v.send.length]), Buffer.from(v.send)])
        const at = out.indexOf(mark)
        if (at < 0) throw new Error('mark is not in the encoding')
        out = Buffer.concat([out.subarray(0, at), v.wire, out.subarray(at + mark.length)])
    }
    return out
}

// ---- what must come back ----------------------------------------------------------------------

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\\': '\\\\' }
const escape = text => text.replace(/[&<>"\\]/g, c => ENTITIES[c])

// Strings that fit no shorter form travel as bytes: a reader cannot tell them from bytes.
const isShort = text => TOKENS.includes(text) || (text.length < 128 && /^([0-9.-]+|[0-9A-F]+)$/.test(text))

function contentXml(c) {
    if (c.kind === 'bytes') return c.bytes.toString('hex')
    if (c.kind === 'list') return c.children.map(xml).join('')
    const { text } = c.value
    return isShort(text) || !c.value.exact ? escape(text) : Buffer.from(text).toString('hex')
}

function xml({ tag, attrs, content: c }) {
    let out = '<' + escape(tag)
    for (const [k, v] of attrs) if (v.text) out += ` ${escape(k)}="${escape(v.text)}"`
    if (c.kind === 'none' || (c.kind === 'list' && !c.children.length)) return out + '/>'
    return `${out}>${contentXml(c)}</${escape(tag)}>`
}

function expected({ tag, attrs, content: c }) {
    const back = [...attrs].filter(([, v]) => v.back !== undefined).map(([k, v]) => [k, v.back])
    let content = null
    if (c.kind === 'bytes') content = c.bytes.toString('hex')
    if (c.kind === 'text') content = Buffer.from(c.value.back).toString('hex')
    if (c.kind === 'list' && c.children.length) content = c.children.map(expected)
    return { tag, attrs: back, content }
}

function read({ tag, attrs, content: c }) {
    let content = null
    if (Array.isArray(c)) content = c.length ? c.map(read) : null
    else if (c !== undefined) content = Buffer.from(c).toString('hex')
    return { tag, attrs: Object.entries(attrs), content }
}

// ---- the run ----------------------------------------------------------------------------------

const stanzas = TOKENS.map(token => ({
    tag: 'x',
    attrs: new Map([['y', same(token)]]),
    content: { kind: 'text', value: same(token) },
}))
stanzas.push({ tag: 'big', attrs: new Map(), content: { kind: 'bytes', bytes: bytes((1 << 20) - 1) } })
stanzas.push({ tag: 'big', attrs: new Map(), content: { kind: 'bytes', bytes: bytes(1 << 20) } })
while (stanzas.length < TOKENS.length + 2 + COUNT) stanzas.push(stanza(1))

const size = n => {
    const b = Buffer.alloc(4)
    b.writeUInt32BE(n)
    return b
}
const encoded = stanzas.map(encode)
const input = encoded.flatMap((b, i) => {
    // every tenth one compressed, as the server does with large ones
    const sent = i % 10 === 9 ? Buffer.concat([Buffer.from([2]), deflateSync(b.subarray(1))]) : b
    return [size(sent.length), sent]
})
const run = spawnSync(pipe, [], { input: Buffer.concat(input), maxBuffer: 1 << 30 })
if (run.status !== 0) throw new Error(`node_pipe: status ${run.status} ${run.stderr}`)

let at = 0
const block = () => {
    const n = run.stdout.readUInt32BE(at)
    at += 4 + n
    return run.stdout.subarray(at - n, at)
}
let failures = 0
let exact = 0
function check(i, what, got, want) {
    if (got === want) return
    if (failures++ < 5) console.log(`stanza ${i}: ${what}\n  sent ${encoded[i].toString('hex')}\n  got  ${got}\n  want ${want}`)
}
for (const [i, node] of stanzas.entries()) {
    const error = run.stdout[at++]
    const ours = block()
    const text = block().toString()
    check(i, 'error', error, 0)
    if (error) continue
    check(i, 'xml', text, xml(node))
    check(i, 'tree', JSON.stringify(read(await decodeBinaryNode(ours))), JSON.stringify(expected(node)))
    if (!isExact(node)) continue
    exact++
    check(i, 'bytes', ours.toString('hex'), encoded[i].toString('hex'))
}
check(0, 'output left over', at, run.stdout.length)
console.log(`${stanzas.length} stanzas, ${exact} equal byte for byte, ${failures} failures`)
process.exit(failures || exact < stanzas.length / 4 ? 1 : 0)
