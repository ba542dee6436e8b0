// What Baileys' own e2e suite lacks to talk to wa-mock: the root of the Noise certificates, which it has
// built in, and the page that names the current version, which it asks WhatsApp for. Jest loads this
// before each file of the suite; nothing in the suite is changed.
const { BAILEYS_DIR, WA_MOCK_ROOT_KEY, WA_MOCK_HTTP } = process.env

const { WA_CERT_DETAILS } = await import(`${BAILEYS_DIR}/src/Defaults/index.ts`)
WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(WA_MOCK_ROOT_KEY, 'hex')

const realFetch = globalThis.fetch
globalThis.fetch = (input, init) => {
    const url = new URL(typeof input === 'string' ? input : input.url ?? input.href)
    if (url.hostname === 'web.whatsapp.com')
        return realFetch(WA_MOCK_HTTP + url.pathname + url.search, { ...init, dispatcher: undefined })
    if (url.hostname !== '127.0.0.1') throw new Error(`the suite may not reach ${url.hostname}`)
    return realFetch(input, init)
}
