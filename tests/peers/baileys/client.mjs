// A Baileys client driven by JSON lines: one command per line on standard input, replies and events
// on standard output. The commands and events are those of tests/peers/harness/peer.py and are the
// same as the whatsmeow driver's. Nothing but the server named in "connect" is ever contacted.
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import makeWASocket, {
    Browsers, DisconnectReason, WA_CERT_DETAILS, getContentType, jidNormalizedUser,
    normalizeMessageContent, proto, useMultiFileAuthState
} from 'baileys'
import pino from 'pino'

// Fixed, so that nothing asks the network for the newest version.
const WEB_VERSION = [2, 3000, 1043857760]

const emit = (event, fields = {}) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n')

class Peer {
    constructor() {
        this.sock = undefined
        this.options = undefined
        this.sent = new Map() // id -> content, for retry requests
        this.saves = Promise.resolve()
        this.stopping = false
    }

    async connect(options) {
        this.options = { ...this.options, ...options }
        const { url, rootKey, store, log } = this.options
        if (!/^[0-9a-f]{64}$/i.test(rootKey ?? '')) throw new Error('rootKey must be 32 bytes in hex')
        WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, 'hex')
        this.logger ??= log
            ? pino({ level: 'trace' }, pino.destination({ dest: log, sync: true }))
            : pino({ level: 'silent' })
        this.stopping = false
        mkdirSync(store, { recursive: true, mode: 0o700 })
        const { state, saveCreds } = await useMultiFileAuthState(store)
        const sock = makeWASocket({
            waWebSocketUrl: url,
            version: WEB_VERSION,
            browser: Browsers.ubuntu('Chrome'),
            auth: state,
            logger: this.logger,
            emitOwnEvents: false,
            markOnlineOnConnect: false,
            generateHighQualityLinkPreview: false,
            syncFullHistory: false,
            // The first login would otherwise hold every event back for 20 s.
            shouldSyncHistoryMessage: () => Boolean(this.options.history),
            getMessage: async key => {
                await this.sending?.catch(() => {}) // a retry can be faster than sendMessage
                return this.sent.get(key.id)
            }
        })
        this.sock = sock
        this.state = state
        sock.ev.on('creds.update', () => {
            this.saves = this.saves.then(saveCreds)
        })
        sock.ev.on('connection.update', update => this.onConnection(sock, update))
        sock.ev.on('messages.upsert', ({ messages, type }) => {
            for (const message of messages) this.onMessage(message, type === 'append')
        })
        sock.ev.on('messages.update', updates => updates.forEach(update => this.onUpdate(update)))
        sock.ev.on('message-receipt.update', updates => {
            for (const { key, receipt } of updates) {
                emit('receipt', {
                    ids: [key.id], chat: key.remoteJid, from: receipt.userJid,
                    type: receipt.readTimestamp ? 'read' : 'delivery'
                })
            }
        })
        sock.ev.on('group-participants.update', ({ id, action, participants }) =>
            emit('group', { group: id, action, participants: participants.map(p => p.id ?? p) }))
        sock.ev.on('groups.upsert', groups => {
            for (const group of groups) {
                emit('group', { group: group.id, action: 'joined', name: group.subject })
            }
        })
        sock.ev.on('groups.update', groups => {
            for (const group of groups) {
                emit('group', { group: group.id, action: 'subject', name: group.subject })
            }
        })
    }

    async onConnection(sock, update) {
        if (update.qr) emit('qr', { code: update.qr, codes: [update.qr] })
        if (update.isNewLogin) emit('paired', {})
        if (update.connection === 'open') {
            emit('open', { jid: sock.user?.id ?? '', lid: sock.user?.lid ?? '' })
        }
        if (update.receivedPendingNotifications) emit('offlineDone', {})
        if (update.connection !== 'close' || sock !== this.sock) return
        const error = update.lastDisconnect?.error
        const code = error?.output?.statusCode ?? 0
        const again = !this.stopping
            && (code === DisconnectReason.restartRequired
                || (!this.options.noReconnect && code === DisconnectReason.connectionClosed))
        emit('close', {
            code, reason: DisconnectReason[code] ?? String(code), error: error?.message ?? '',
            willReconnect: again
        })
        if (again) {
            await this.saves
            await this.connect({}).catch(err => emit('fatal', { error: String(err) }))
        }
    }

    onMessage(message, offline) {
        const { key } = message
        const isGroup = key.remoteJid.endsWith('@g.us')
        const own = jidNormalizedUser(this.sock.user?.id ?? '')
        const from = key.participant || (key.fromMe ? own : key.remoteJid)
        const fields = {
            id: key.id, chat: key.remoteJid, from: jidNormalizedUser(from), sender: from,
            senderAlt: (isGroup ? key.participantAlt : key.remoteJidAlt) ?? '',
            fromMe: Boolean(key.fromMe), addressing: key.addressingMode ?? '', offline
        }
        if (!message.message) {
            if (message.messageStubType === proto.WebMessageInfo.StubType.CIPHERTEXT) {
                emit('undecryptable', { ...fields, error: message.messageStubParameters?.[0] ?? '' })
            } else if (message.messageStubType) {
                emit('stub', {
                    ...fields, type: proto.WebMessageInfo.StubType[message.messageStubType]
                })
            }
            return
        }
        const content = normalizeMessageContent(message.message)
        const kind = getContentType(content) ?? 'other'
        const context = content[kind]?.contextInfo
        emit('message', {
            ...fields, kind,
            text: content.conversation || content.extendedTextMessage?.text || content[kind]?.caption || '',
            mentions: context?.mentionedJid ?? [], mentionAll: context?.nonJidMentions ?? 0,
            quoted: context?.stanzaId ?? '', pushName: message.pushName ?? '',
            timestamp: Number(message.messageTimestamp)
        })
    }

    onUpdate({ key, update }) {
        if (update.message && !key.fromMe) {
            this.onMessage({ key, message: update.message, messageTimestamp: update.messageTimestamp }, false)
            return
        }
        if (update.status === undefined) return
        const names = { 0: 'error', 1: 'pending', 2: 'server', 3: 'delivery', 4: 'read', 5: 'played' }
        emit('receipt', {
            ids: [key.id], chat: key.remoteJid, from: jidNormalizedUser(key.participant ?? key.remoteJid),
            type: names[update.status] ?? String(update.status),
            error: update.messageStubParameters?.[0] ?? ''
        })
    }

    async sendText({ to, text, mentions, quoted, msgId }) {
        const content = { text, mentions: mentions ?? [], linkPreview: null }
        const options = {}
        if (msgId) options.messageId = msgId
        if (quoted) {
            options.quoted = {
                key: { remoteJid: to, id: quoted.id, participant: quoted.sender, fromMe: false },
                message: { conversation: quoted.text }
            }
        }
        this.sending = this.sock.sendMessage(to, content, options).then(made => {
            this.sent.set(made.key.id, made.message)
            return made
        })
        const message = await this.sending
        return { msgId: message.key.id, timestamp: Number(message.messageTimestamp) }
    }

    groupFields(meta) {
        return {
            group: meta.id, name: meta.subject, addressing: meta.addressingMode ?? 'pn',
            participants: meta.participants.map(p => ({
                jid: p.id, phone: p.phoneNumber ?? '', lid: p.lid ?? '', admin: Boolean(p.admin)
            }))
        }
    }

    // What a damaged store looks like: the next message cannot be read and is asked for again.
    async dropSessions({ to }) {
        const user = to.split('@')[0].split(':')[0]
        const lid = await this.sock.signalRepository.lidMapping.getLIDForPN(to).catch(() => null)
        const users = [user, ...(lid ? [lid.split('@')[0].split(':')[0] + '_1'] : []), `${user}_1`]
        const none = {}
        for (const name of users) for (let device = 0; device < 100; device++) none[`${name}.${device}`] = null
        await this.state.keys.set({ session: none })
        this.sock.authState.keys.clear?.()
    }

    async run(cmd) {
        const { sock } = this
        if (cmd.cmd === 'connect') {
            const { id, cmd: name, ...options } = cmd
            return this.connect(options)
        }
        if (!sock) throw new Error('connect first')
        switch (cmd.cmd) {
        case 'pairCode': return { code: await sock.requestPairingCode(cmd.phone.replace(/\D/g, '')) }
        case 'sendText': return this.sendText(cmd)
        case 'createGroup': return this.groupFields(await sock.groupCreate(cmd.name, cmd.participants))
        case 'groupParticipants':
            return { participants: await sock.groupParticipantsUpdate(cmd.group, cmd.participants, cmd.action) }
        case 'groupInfo': return this.groupFields(await sock.groupMetadata(cmd.group))
        case 'groups': {
            const all = await sock.groupFetchAllParticipating()
            return { groups: Object.values(all).map(meta => this.groupFields(meta)) }
        }
        case 'onWhatsApp': return { users: await sock.onWhatsApp(...cmd.users) }
        case 'devices': {
            const found = await sock.getUSyncDevices(cmd.users, false, false)
            return { devices: found.map(device => device.jid) }
        }
        case 'presence': return void await sock.sendPresenceUpdate(cmd.state)
        case 'markRead':
            return void await sock.readMessages(cmd.ids.map(id => ({
                remoteJid: cmd.to, id, fromMe: false, participant: cmd.to === cmd.sender ? undefined : cmd.sender
            })))
        case 'setName': return void await sock.updateProfileName(cmd.name)
        case 'dropSessions': return this.dropSessions(cmd)
        case 'disconnect':
            this.stopping = true
            await sock.end(undefined)
            await this.saves
            return undefined
        case 'logout':
            this.stopping = true
            await sock.logout()
            return undefined
        default: throw new Error(`unknown command "${cmd.cmd}"`)
        }
    }

    async quit() {
        this.stopping = true
        await this.sock?.end(undefined)
        await this.saves
    }
}

const peer = new Peer()
process.on('unhandledRejection', err => emit('warning', { error: String(err?.stack ?? err) }))
emit('ready', { client: 'baileys', pid: process.pid, node: process.version })

const answer = async cmd => {
    try {
        const fields = await peer.run(cmd)
        emit('reply', { id: cmd.id, ok: true, ...(fields ?? {}) })
    } catch (err) {
        emit('reply', { id: cmd.id, ok: false, error: err?.message ?? String(err) })
    }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', line => {
    let cmd
    try {
        cmd = JSON.parse(line)
    } catch (err) {
        emit('reply', { id: 0, ok: false, error: `bad command: ${err.message}` })
        return
    }
    if (cmd.cmd === 'quit') {
        peer.quit().finally(() => {
            emit('reply', { id: cmd.id, ok: true })
            process.exit(0)
        })
        return
    }
    answer(cmd)
})
lines.on('close', () => peer.quit().finally(() => process.exit(0)))
