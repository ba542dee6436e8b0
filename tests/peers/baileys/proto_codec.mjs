// Our protobufs against those of Baileys (WAProto through protobufjs).
//
//   node proto_codec.mjs PATH_OF_PROTO_PIPE [COUNT] [SEED]
//
// 1. Random messages of every kind, made from the schema and encoded by Baileys, are read by us
//    (proto_pipe): each field of ours is the one that Baileys calls so. Fields that we do not read are
//    there too, and change nothing.
// 2. What our writers make is byte for byte what Baileys makes of the same values, and Baileys reads it
//    and writes it again as the same bytes. Both write fields in ascending order.
//
// COUNT: random messages of each kind.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import process from 'node:process'
import { isDeepStrictEqual } from 'node:util'
import { proto } from 'baileys'
import protobuf from 'protobufjs'
import { createRandom } from './random.mjs'
import { contentOf, UNKNOWN_KINDS, KINDS, WRAPPERS, convert } from './proto_expected.mjs'
import { STRUCTS, writerCases } from './proto_structs.mjs'

const [pipe, countArg, seedArg] = process.argv.slice(2)
const COUNT = Number(countArg ?? process.env.PROTO_CODEC_COUNT ?? (process.env.WB_TEST_FULL ? 500 : 30))
const random = createRandom(Number(seedArg ?? 20260301))
const { below, chance, pick, chars, bytes } = random

const schema = protobuf.loadSync(createRequire(import.meta.url).resolve('baileys/WAProto/WAProto.proto'))
const typeOf = name => schema.lookupType('proto.' + name)

/** Baileys' own code for a type of the schema: 'Message.ImageMessage' -> proto.Message.ImageMessage */
const codecOf = name => name.split('.').reduce((at, part) => at[part], proto)
const encode = (name, object) => {
    const codec = codecOf(name)
    return Buffer.from(codec.encode(codec.fromObject(object)).finish())
}
const encoded = (object, type) => encode(type ? type.fullName.slice('.proto.'.length) : 'Message', object).toString('hex')

// ---- random objects of a schema type ----------------------------------------------------------------

const words = () => pick([
    () => '', () => chars('abc xyz0123456789', 1 + below(30)), () => chars('é漢😀\n"\\', 1 + below(8)),
    () => `2782000${1000 + below(9000)}@s.whatsapp.net`, () => chars('q', 120 + below(20))
])()
const whole = bits => {
    const size = below(bits)
    return (BigInt(below(2 ** 30)) * 2n ** 34n + BigInt(below(2 ** 30))) % 2n ** BigInt(size + 1)
}
const SCALARS = {
    string: words,
    bytes: () => bytes(pick([0, 1, 16, 32, 200])),
    bool: () => chance(0.5),
    double: () => (below(2 ** 30) - 2 ** 29) / 1024,
    float: () => below(1000) / 8,
    uint32: () => Number(whole(32)), fixed32: () => Number(whole(32)), sfixed32: () => Number(whole(31)),
    int32: () => Number(whole(31)) * pick([1, -1]),
    uint64: () => String(whole(64)), fixed64: () => String(whole(64)),
    int64: () => String(whole(63) * pick([1n, -1n]))
}
const DEPTH = 3

function value(field, depth) {
    field.resolve()
    const type = field.resolvedType
    if (!type) return SCALARS[field.type]()
    if (type instanceof protobuf.Enum) return pick(Object.values(type.values))
    if (type.name === 'Message') return { conversation: words() } // quoted and noted ones: a short one
    return depth > 0 ? object(type, depth - 1) : {}
}

/** Any subset of the fields; of a oneof at most one. */
function object(type, depth = DEPTH) {
    const made = {}
    const likely = pick([0.1, 0.5, 0.9])
    const taken = new Set()
    for (const field of type.fieldsArray) {
        const choice = field.partOf && !field.partOf.name.startsWith('_') ? field.partOf.name : undefined
        if (field.map || !chance(likely) || (choice && taken.has(choice))) continue
        taken.add(choice)
        made[field.name] = field.repeated
            ? Array.from({ length: below(4) }, () => value(field, depth))
            : value(field, depth)
    }
    return made
}

// ---- messages ---------------------------------------------------------------------------------------

/** What is around the content: keys and secrets, wrappers, and wrappers in wrappers. */
function dressed(message) {
    let made = { ...message }
    for (let layers = pick([0, 0, 1, 1, 2, 3]); ; layers--) {
        if (chance(0.3)) made.messageContextInfo = object(typeOf('MessageContextInfo'), 1)
        if (chance(0.2)) made.senderKeyDistributionMessage = object(typeOf('Message.SenderKeyDistributionMessage'))
        if (layers === 0) return made
        const wrapper = pick(WRAPPERS)
        made = { [wrapper]: { ...(wrapper === 'deviceSentMessage' && { destinationJid: words() }), message: made } }
    }
}

function contentCases() {
    const cases = []
    const type = typeOf('Message')
    const add = message => {
        const sent = dressed(message)
        cases.push({
            ask: { read: 'content', in: encode('Message', sent).toString('hex') },
            wanted: { v: contentOf(sent, type, encoded) }, sent
        })
    }
    for (const name of [...Object.keys(KINDS), ...UNKNOWN_KINDS(type)]) {
        const field = type.fields[name]
        for (let number = 0; number < COUNT; number++) {
            const made = KINDS[name]?.make?.(random, () => object(field.resolve().resolvedType))
            add({ [name]: made ?? value(field, DEPTH) })
        }
    }
    return cases
}

// ---- the other structs ------------------------------------------------------------------------------

function structCases() {
    const cases = []
    const any = Object.assign(type => object(typeOf(type)), { encode })
    for (const [name, struct] of Object.entries(STRUCTS)) {
        for (let number = 0; number < COUNT; number++) {
            const made = struct.make(random, any)
            const whole = struct.whole?.(made, encode) ?? made
            const sent = encode(struct.of ?? struct.type, whole)
            const wanted = { v: struct.expected(made, path => convert(typeOf(struct.type), made, path), encode) }
            if (struct.again) wanted.again = encode(struct.of ?? struct.type, struct.again(made)).toString('hex')
            cases.push({ ask: { read: name, in: sent.toString('hex') }, wanted, sent: whole })
        }
    }
    return cases
}

// ---- writers ----------------------------------------------------------------------------------------

function writtenCases() {
    const cases = []
    for (const [name, make] of Object.entries(writerCases)) {
        for (let number = 0; number < COUNT; number++) {
            const { v, type = 'Message', object: made } = make(random, words, encode)
            const wanted = encode(type, made)
            cases.push({ ask: { write: name, v }, wanted: { out: wanted.toString('hex') }, sent: made, type })
        }
    }
    return cases
}

/** Baileys reads our bytes, and writes them again as they are. */
function again(type, hex) {
    const codec = codecOf(type)
    return Buffer.from(codec.encode(codec.decode(Buffer.from(hex, 'hex'))).finish()).toString('hex')
}

// ---- the comparison ---------------------------------------------------------------------------------

const cases = [...contentCases(), ...structCases(), ...writtenCases()]
const run = spawnSync(pipe, [], {
    input: cases.map(one => JSON.stringify(one.ask)).join('\n') + '\n', maxBuffer: 1 << 30, encoding: 'utf8'
})
const answers = run.stdout.trimEnd().split('\n').map(line => JSON.parse(line))
let failures = 0
/** Only the members that differ. */
function told(one, other) {
    const [part, rest] = [one.v ?? one, other?.v ?? other ?? {}]
    return JSON.stringify(Object.fromEntries(Object.entries(part).filter(([name, data]) =>
        !isDeepStrictEqual(data, rest[name])))).slice(0, 1500)
}
function fail(one, got, what) {
    if (++failures > 5) return
    console.log(`${what} ${one.ask.read ?? one.ask.write}`, JSON.stringify(one.sent).slice(0, 1500))
    console.log('  wanted', told(one.wanted, got), '\n  got   ', told(got, one.wanted))
}
if (run.status !== 0 || answers.length !== cases.length) {
    console.log(`proto_pipe: status ${run.status}, ${answers.length} answers of ${cases.length}`, run.stderr)
    failures++
}
cases.forEach((one, index) => {
    const got = answers[index]
    if (got === undefined) return
    if (!('again' in one.wanted)) delete got.again
    if (!isDeepStrictEqual(got, one.wanted)) fail(one, got, 'differs:')
    else if (one.type && again(one.type, got.out) !== got.out) fail(one, got, 'is not written again:')
})
const kinds = new Set(cases.map(one => one.wanted.v?.kind ?? one.ask.read ?? one.ask.write))
console.log(`${cases.length} messages of ${kinds.size} kinds, ${failures} failures`)
process.exitCode = failures ? 1 : 0
