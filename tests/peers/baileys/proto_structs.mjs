// The structs of proto/ other than content, and what our writers are given, said in Baileys' names.
import { hex, prune } from './proto_expected.mjs'

/** {ours: path} -> what proto_pipe shows */
const shown = rows => (made, field) => {
    const found = {}
    for (const [to, path] of Object.entries(rows)) found[to] = field(path)
    return prune(found)
}
const only = (object, names) => Object.fromEntries(names.filter(name => object[name] !== undefined)
    .map(name => [name, object[name]]))
/** Without numbers that are 0: those we leave out where nothing is lost by it. */
const nonzero = object => Object.fromEntries(Object.entries(object).filter(([, data]) =>
    !(data === 0 || data === '0' || data === false)))
const maybe = (random, name, data) => random.chance(0.7) ? { [name]: data } : {}
const number = random => 1 + random.below(2 ** 31)
const big = random => String(BigInt(number(random)) * BigInt(number(random)))
const jid = random => `${random.chars('123456789', 11)}@s.whatsapp.net`
const id = random => '3EB0' + random.chars('0123456789ABCDEF', 18)
const protocol = (type, name) => made => ({ protocolMessage: { type, [name]: made } })

function handshake(type, part, random, sealed) {
    return {
        type: 'HandshakeMessage.' + type, of: 'HandshakeMessage', whole: made => ({ [part]: made }),
        expected: shown({ ...(type !== 'ClientFinish' && { ephemeral: 'ephemeral' }), static_ct: 'static', payload_ct: 'payload' }),
        again: made => ({ [part]: only(made, ['ephemeral', 'static', 'payload']) }),
        make: (r, any) => ({
            ...any('HandshakeMessage.' + type), ephemeral: r.bytes(32), static: undefined, payload: undefined,
            ...((sealed || r.chance(0.5)) && { static: r.bytes(48) }),
            ...((sealed || r.chance(0.5)) && { payload: r.bytes(16 + r.below(300)) }),
            ...random(r)
        })
    }
}
const nothing = () => ({})
/** An answer to IK has no static key; a hello of XX has neither, one of IK both. */
const both = r => r.chance(0.5) ? { static: undefined, payload: undefined } : { static: r.bytes(48), payload: r.bytes(40) }
const finish = made => { delete made.ephemeral; return made }

export const STRUCTS = {
    handshake_client_hello: handshake('ClientHello', 'clientHello', both, false),
    handshake_server_hello: handshake('ServerHello', 'serverHello', nothing, true),
    handshake_client_finish: (() => {
        const struct = handshake('ClientFinish', 'clientFinish', nothing, true)
        return { ...struct, make: (r, any) => finish(struct.make(r, any)) }
    })(),
    cert_wire_chain: {
        type: 'CertChain',
        make: r => ({
            leaf: { details: r.bytes(1 + r.below(99)), signature: r.bytes(64) },
            intermediate: { details: r.bytes(1 + r.below(99)), signature: r.bytes(64) }
        }),
        expected: (made, field) => ({
            leaf: { details: field('leaf.details'), signature: field('leaf.signature') },
            intermediate: { details: field('intermediate.details'), signature: field('intermediate.signature') }
        }),
        again: made => made
    },
    cert_wire_details: {
        type: 'CertChain.NoiseCertificate.Details',
        make: r => ({
            serial: number(r), issuerSerial: r.below(3), key: r.bytes(32), notBefore: big(r), notAfter: big(r)
        }),
        expected: shown({
            serial: 'serial', issuer_serial: 'issuerSerial', key: 'key', not_before: 'notBefore', not_after: 'notAfter'
        }),
        again: made => made
    },
    adv_signed_hmac: {
        type: 'ADVSignedDeviceIdentityHMAC',
        make: r => ({ details: r.bytes(1 + r.below(200)), hmac: r.bytes(32), ...maybe(r, 'accountType', r.below(2)) }),
        expected: (made, field) => prune({
            details: field('details'), hmac: field('hmac'), hosted: made.accountType === 1 || undefined
        }),
        again: nonzero
    },
    adv_signed_identity: {
        type: 'ADVSignedDeviceIdentity',
        make: r => ({
            details: r.bytes(1 + r.below(60)), ...maybe(r, 'accountSignatureKey', r.bytes(32)),
            ...maybe(r, 'accountSignature', r.bytes(64)), ...maybe(r, 'deviceSignature', r.bytes(64))
        }),
        expected: shown({
            details: 'details', account_key: 'accountSignatureKey', account_signature: 'accountSignature',
            device_signature: 'deviceSignature'
        }),
        again: made => made
    },
    adv_identity: {
        type: 'ADVDeviceIdentity',
        make: r => ({
            rawId: number(r), timestamp: big(r), keyIndex: r.below(100), ...maybe(r, 'accountType', r.below(2)),
            ...maybe(r, 'deviceType', r.below(2))
        }),
        expected: shown({
            raw_id: 'rawId', timestamp: 'timestamp', key_index: 'keyIndex', account_type: 'accountType',
            device_type: 'deviceType'
        }),
        again: made => ({ ...nonzero(made), keyIndex: made.keyIndex })
    },
    adv_signed_key_list: {
        type: 'ADVSignedKeyIndexList',
        make: r => ({
            details: r.bytes(1 + r.below(60)), ...maybe(r, 'accountSignature', r.bytes(64)),
            ...maybe(r, 'accountSignatureKey', r.bytes(32))
        }),
        expected: shown({
            details: 'details', account_signature: 'accountSignature', account_key: 'accountSignatureKey'
        }),
        again: made => made
    },
    adv_key_list: {
        type: 'ADVKeyIndexList',
        make: r => ({
            rawId: number(r), timestamp: big(r), currentIndex: r.below(200),
            validIndexes: Array.from({ length: r.below(9) }, () => 1 + r.below(500)),
            ...maybe(r, 'accountType', r.below(2))
        }),
        expected: (made, field) => prune({
            ...shown({
                raw_id: 'rawId', timestamp: 'timestamp', current_index: 'currentIndex', account_type: 'accountType'
            })(made, field),
            valid: made.validIndexes.length ? made.validIndexes.map(String) : undefined
        }),
        again: made => ({ ...nonzero(made), currentIndex: made.currentIndex })
    },
    client_payload: {
        type: 'ClientPayload', make: clientPayload,
        expected: (made, field) => prune({
            ...shown({
                username: 'username', device: 'device', passive: 'passive', pull: 'pull',
                lid_db_migrated: 'lidDbMigrated', login_counter: 'lc', platform: 'userAgent.platform',
                connect_type: 'connectType', connect_reason: 'connectReason', push_name: 'pushName'
            })(made, field),
            version: version(made.userAgent.appVersion),
            ...(made.devicePairingData && { registers: true, pairing: made.pairing })
        })
    },
    history_notification: {
        type: 'Message.HistorySyncNotification', of: 'Message', whole: protocol(5, 'historySyncNotification'),
        make: (r, any) => any('Message.HistorySyncNotification'),
        expected: shown({
            file_sha256: 'fileSha256', media_key: 'mediaKey', file_enc_sha256: 'fileEncSha256',
            direct_path: 'directPath', file_length: 'fileLength', sync_type: 'syncType', chunk_order: 'chunkOrder',
            progress: 'progress', original_message_id: 'originalMessageId', request_id: 'peerDataRequestSessionId',
            enc_handle: 'encHandle', inline_payload: 'initialHistBootstrapInlinePayload'
        })
    },
    app_state_keys: {
        type: 'Message.AppStateSyncKeyShare', of: 'Message', whole: protocol(6, 'appStateSyncKeyShare'),
        make: (r, any) => ({
            keys: Array.from({ length: 1 + r.below(4) }, () => ({
                keyId: { keyId: r.bytes(6) },
                ...maybe(r, 'keyData', {
                    keyData: r.bytes(32), timestamp: big(r),
                    fingerprint: any('Message.AppStateSyncKeyFingerprint')
                })
            }))
        }),
        expected: (made, field, encode) => ({
            keys: made.keys.map(key => prune({
                key_id: hex(key.keyId.keyId), key_data: hex(key.keyData?.keyData), timestamp: key.keyData?.timestamp,
                fingerprint: key.keyData && hex(encode('Message.AppStateSyncKeyFingerprint', key.keyData.fingerprint))
            }))
        }),
        again: made => protocol(6, 'appStateSyncKeyShare')(made)
    },
    lid_mappings: {
        type: 'LIDMigrationMappingSyncPayload', of: 'Message',
        whole: (made, encode) => protocol(22, 'lidMigrationMappingSyncMessage')({
            encodedMappingPayload: encode('LIDMigrationMappingSyncPayload', made)
        }),
        make: r => ({
            pnToLidMappings: Array.from({ length: r.below(5) }, () => ({
                pn: big(r), assignedLid: big(r), ...maybe(r, 'latestLid', big(r))
            })),
            chatDbMigrationTimestamp: big(r)
        }),
        expected: made => prune({
            pairs: made.pnToLidMappings.length
                ? made.pnToLidMappings.map(pair => prune({
                    pn: pair.pn, assigned_lid: pair.assignedLid, latest_lid: pair.latestLid
                }))
                : undefined,
            chat_db_timestamp: made.chatDbMigrationTimestamp
        })
    },
    peer_request: {
        type: 'Message.PeerDataOperationRequestMessage', of: 'Message',
        whole: protocol(16, 'peerDataOperationRequestMessage'),
        make: (r, any) => any('Message.PeerDataOperationRequestMessage'),
        expected: (made, field) => prune({
            type: field('peerDataOperationRequestType'),
            placeholders: made.placeholderMessageResendRequest?.length
                ? made.placeholderMessageResendRequest.map(one => keyOf(one.messageKey ?? {}))
                : undefined,
            history: shown({
                chat_jid: 'historySyncOnDemandRequest.chatJid', oldest_id: 'historySyncOnDemandRequest.oldestMsgId',
                oldest_from_me: 'historySyncOnDemandRequest.oldestMsgFromMe',
                count: 'historySyncOnDemandRequest.onDemandMsgCount',
                oldest_timestamp: 'historySyncOnDemandRequest.oldestMsgTimestampMs'
            })(made, field),
            collection: field('syncdCollectionFatalRecoveryRequest.collectionName')
        })
    },
    peer_response: {
        type: 'Message.PeerDataOperationRequestResponseMessage', of: 'Message',
        whole: protocol(17, 'peerDataOperationRequestResponseMessage'),
        make: (r, any) => any('Message.PeerDataOperationRequestResponseMessage'),
        expected: (made, field) => prune({
            type: field('peerDataOperationRequestType'), stanza_id: field('stanzaId'),
            results: made.peerDataOperationResult?.length
                ? made.peerDataOperationResult.map(one => prune({
                    web_message: hex(one.placeholderMessageResendResponse?.webMessageInfoBytes),
                    snapshot: hex(one.syncdSnapshotFatalRecoveryResponse?.collectionSnapshot),
                    snapshot_compressed: one.syncdSnapshotFatalRecoveryResponse?.isCompressed || undefined
                }))
                : undefined
        })
    },
    web_message: {
        type: 'WebMessageInfo',
        make: (r, any) => ({
            ...any('WebMessageInfo'), key: { remoteJid: jid(r), fromMe: r.chance(0.5), id: id(r), ...maybe(r, 'participant', jid(r)) },
            messageTimestamp: String(r.below(2 ** 31))
        }),
        expected: (made, field, encode) => prune({
            key: keyOf(made.key), message: made.message && hex(encode('Message', made.message)),
            timestamp: field('messageTimestamp'), participant: field('participant'), push_name: field('pushName')
        })
    }
}

const keyOf = key => prune({
    remote_jid: key.remoteJid === undefined ? undefined : hex(key.remoteJid), from_me: key.fromMe || undefined,
    id: key.id === undefined ? undefined : hex(key.id),
    participant: key.participant === undefined ? undefined : hex(key.participant)
})
const version = v => prune(Object.fromEntries(['primary', 'secondary', 'tertiary']
    .map(name => [name, v?.[name] ? String(v[name]) : undefined])))

function clientPayload(r, any) {
    const made = any('ClientPayload')
    made.userAgent = {
        ...any('ClientPayload.UserAgent'), appVersion: { primary: 2, secondary: 3000, tertiary: number(r), quaternary: 9 }
    }
    delete made.devicePairingData
    if (r.chance(0.5)) {
        const props = any('DeviceProps')
        const sizes = { eRegid: 4, eIdent: 32, eSkeyId: 3, eSkeyVal: 32, eSkeySig: 64, buildHash: 16 }
        const keys = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, r.bytes(size)]))
        made.devicePairingData = { ...keys, eKeytype: Buffer.from([5]), deviceProps: any.encode('DeviceProps', props) }
        made.pairing = prune({
            registration_id: String(keys.eRegid.readUInt32BE()), identity: hex(keys.eIdent),
            signed_prekey_id: String(keys.eSkeyId.readUIntBE(0, 3)), signed_prekey: hex(keys.eSkeyVal),
            signed_prekey_sig: hex(keys.eSkeySig), build_hash: hex(keys.buildHash),
            props: prune({
                os: hex(props.os), app: version(props.version), full_sync: props.requireFullSync || undefined,
                platform: props.platformType ? String(props.platformType) : undefined
            })
        })
    }
    return made
}

// ---- writers: what we are given, and the message that Baileys makes of it ------------------------------

const text = data => data === undefined ? undefined : hex(data)
const key = r => ({ remoteJid: jid(r), fromMe: r.chance(0.5), id: id(r), ...maybe(r, 'participant', jid(r)) })
const given = made => prune({
    remote_jid: text(made.remoteJid), from_me: made.fromMe || undefined, id: text(made.id), participant: text(made.participant)
})

/** Random extras: [what we are given, ContextInfo or undefined, messageContextInfo or undefined] */
function extras(r, encode) {
    const v = {}
    const context = {}
    if (r.chance(0.4)) {
        context.stanzaId = id(r)
        v.reply_id = hex(context.stanzaId)
        if (r.chance(0.8)) v.reply_from = hex(context.participant = jid(r))
        if (r.chance(0.8)) v.quoted = encode('Message', context.quotedMessage = { conversation: r.chars('quoted ', 9) }).toString('hex')
        if (r.chance(0.3)) v.reply_chat = hex(context.remoteJid = `${r.chars('123456789', 15)}@g.us`)
    }
    if (r.chance(0.4)) v.mentioned = (context.mentionedJid = Array.from({ length: 1 + r.below(4) }, () => jid(r))).map(hex)
    if (r.chance(0.4)) {
        v.has_expiration = true
        context.expiration = r.pick([0, 86400, 604800])
        v.expiration = String(context.expiration)
        if (r.chance(0.5)) v.ephemeral_setting_timestamp = context.ephemeralSettingTimestamp = String(number(r))
    }
    if (r.chance(0.2)) v.mentions_all = Boolean(context.nonJidMentions = 1)
    const info = r.chance(0.5) ? { messageSecret: r.bytes(32) } : undefined
    if (info) v.secret = hex(info.messageSecret)
    return [v, Object.keys(context).length ? context : undefined, info]
}

const MEDIA = {
    url: 'url', mimetype: 'mimetype', file_sha256: 'fileSha256', file_enc_sha256: 'fileEncSha256',
    media_key: 'mediaKey', file_length: 'fileLength', direct_path: 'directPath', key_timestamp: 'mediaKeyTimestamp'
}
const FILES = {
    image: ['imageMessage', { width: 'width', height: 'height', thumbnail: 'jpegThumbnail' }],
    video: ['videoMessage', { width: 'width', height: 'height', seconds: 'seconds', gif: 'gifPlayback', thumbnail: 'jpegThumbnail' }],
    audio: ['audioMessage', { seconds: 'seconds', ptt: 'ptt', waveform: 'waveform' }],
    document: ['documentMessage', { title: 'title', file_name: 'fileName', pages: 'pageCount', thumbnail: 'jpegThumbnail' }],
    sticker: ['stickerMessage', { width: 'width', height: 'height', animated: 'isAnimated', lottie: 'isLottie', thumbnail: 'pngThumbnail' }]
}
const FLAGS = ['gif', 'ptt', 'animated', 'lottie']
const TEXTS = ['url', 'mimetype', 'direct_path', 'title', 'file_name']
const NUMBERS = ['file_length', 'key_timestamp', 'width', 'height', 'seconds', 'pages']

function media(r, words, encode) {
    const kind = r.pick(Object.keys(FILES))
    const [name, own] = FILES[kind]
    const file = {}
    const given = {}
    for (const [to, path] of Object.entries({ ...MEDIA, ...own })) {
        if (!r.chance(0.8)) continue
        if (FLAGS.includes(to)) given[to] = file[path] = true
        else if (NUMBERS.includes(to)) given[to] = file[path] = String(number(r))
        else given[to] = hex(file[path] = TEXTS.includes(to) ? words() : r.bytes(32))
    }
    const [v, context, info] = extras(r, encode)
    const caption = ['image', 'video', 'document'].includes(kind) && r.chance(0.5) ? 'caption ' + words() : undefined
    const made = { [name]: { ...file, caption, contextInfo: context } }
    const wrapped = kind === 'document' && caption
    return {
        v: prune({ kind, media: given, text: text(caption), extras: v }),
        object: { ...(wrapped ? { documentWithCaptionMessage: { message: made } } : made), messageContextInfo: info }
    }
}

const AGENT = {
    platform: 14, releaseChannel: 0, mcc: '000', mnc: '000', osVersion: '0.1', manufacturer: '', device: 'Desktop',
    osBuildNumber: '0.1', localeLanguageIso6391: 'en', localeCountryIso31661Alpha2: 'US'
}
const common = tertiary => ({
    userAgent: { ...AGENT, appVersion: { primary: 2, secondary: 3000, tertiary } }, webInfo: { webSubPlatform: 0 },
    connectType: 1, connectReason: 1
})
const ours = tertiary => ({ primary: '2', secondary: '3000', tertiary: String(tertiary) })
const HISTORY = {
    storageQuotaMb: 10240, inlineInitialPayloadInE2EeMsg: true, supportCallLogHistory: true,
    supportBotUserAgentChatHistory: true, supportCagReactionsAndPolls: true, supportBizHostedMsg: true,
    supportRecentSyncChunkMessageCountTuning: true, supportHostedGroupMsg: true, supportFbidBotChatHistory: true,
    supportMessageAssociation: true, supportGroupHistory: true, thumbnailSyncDaysLimit: 60
}
// HistorySyncConfig 21 and 22 (supportManusHistory, supportHatchHistory), which Baileys' schema ends before.
const NEWER_HISTORY = Buffer.from([0xa8, 1, 1, 0xb0, 1, 1])

function registration(r, words, encode) {
    const tertiary = number(r)
    const app = { primary: r.below(9) + 1, secondary: r.below(9) + 1, tertiary: r.below(9) + 1 }
    const full = r.chance(0.5)
    const os = words()
    const platformType = r.pick([1, 2, 7])
    const config = Buffer.concat([encode('DeviceProps.HistorySyncConfig', {
        ...HISTORY, ...(full && { fullSyncDaysLimit: 3650, fullSyncSizeMbLimit: 10240 })
    }), NEWER_HISTORY])
    const deviceProps = Buffer.concat([
        encode('DeviceProps', { os, version: app, platformType, requireFullSync: full }), Buffer.from([0x2a, config.length]), config
    ])
    const keys = { eIdent: r.bytes(32), eSkeyVal: r.bytes(32), eSkeySig: r.bytes(64), buildHash: r.bytes(16) }
    const [regid, skey] = [r.bytes(4), r.bytes(3)]
    return {
        v: {
            version: ours(tertiary),
            pairing: {
                registration_id: String(regid.readUInt32BE()), signed_prekey_id: String(skey.readUIntBE(0, 3)),
                identity: hex(keys.eIdent), signed_prekey: hex(keys.eSkeyVal), signed_prekey_sig: hex(keys.eSkeySig),
                build_hash: hex(keys.buildHash),
                props: {
                    os: hex(os), platform: String(platformType), full_sync: full,
                    app: Object.fromEntries(Object.entries(app).map(([name, n]) => [name, String(n)]))
                }
            }
        },
        type: 'ClientPayload',
        object: {
            ...common(tertiary), passive: false, pull: false,
            devicePairingData: { ...keys, eRegid: regid, eKeytype: Buffer.from([5]), eSkeyId: skey, deviceProps }
        }
    }
}

export const writerCases = {
    text: (r, words, encode) => {
        const [v, contextInfo, messageContextInfo] = extras(r, encode)
        const said = words()
        return {
            v: { text: hex(said), extras: v },
            object: {
                ...(contextInfo ? { extendedTextMessage: { text: said, contextInfo } } : { conversation: said }), messageContextInfo
            }
        }
    },
    media,
    skdm: (r, words) => {
        const [groupId, data] = [`${r.chars('123456789', 15)}@g.us`, r.bytes(90)]
        return {
            v: { title: hex(groupId), payload: hex(data) },
            object: { senderKeyDistributionMessage: { groupId, axolotlSenderKeyDistributionMessage: data } }
        }
    },
    device_sent: (r, words, encode) => {
        const destinationJid = jid(r)
        const messageContextInfo = r.chance(0.5) ? { messageSecret: r.bytes(32) } : undefined
        const message = { conversation: words(), messageContextInfo }
        return {
            v: { title: hex(destinationJid), payload: encode('Message', message).toString('hex') },
            object: { deviceSentMessage: { destinationJid, message }, messageContextInfo }
        }
    },
    reaction: (r, words) => {
        const [target, said, time] = [key(r), words(), big(r)]
        return {
            v: { key: given(target), text: hex(said), timestamp_ms: time },
            object: { reactionMessage: { key: target, text: said, senderTimestampMs: time } }
        }
    },
    revoke: r => {
        const target = key(r)
        return { v: { key: given(target) }, object: { protocolMessage: { key: target, type: 0 } } }
    },
    edit: (r, words, encode) => {
        const [target, editedMessage, timestampMs] = [key(r), { conversation: words() }, big(r)]
        return {
            v: { key: given(target), payload: encode('Message', editedMessage).toString('hex'), timestamp_ms: timestampMs },
            object: { editedMessage: { message: { protocolMessage: { key: target, type: 14, editedMessage, timestampMs } } } }
        }
    },
    poll: (r, words) => {
        const options = Array.from({ length: 2 + r.below(10) }, words)
        const [name, messageSecret, selectableOptionsCount] = [words(), r.bytes(32), r.below(4)]
        const poll = { name, options: options.map(optionName => ({ optionName })), selectableOptionsCount }
        return {
            v: { text: hex(name), list: options.map(hex), selectable: String(selectableOptionsCount), secret: hex(messageSecret) },
            object: {
                [selectableOptionsCount === 1 ? 'pollCreationMessageV3' : 'pollCreationMessage']: poll,
                messageContextInfo: { messageSecret }
            }
        }
    },
    location: (r, words) => {
        const [degreesLatitude, degreesLongitude] = [r.below(180) - 90 + 0.25, r.below(360) - 180 + 0.5]
        const [name, address] = [words(), words()]
        return {
            v: { latitude: degreesLatitude, longitude: degreesLongitude, title: hex(name), text: hex(address) },
            object: { locationMessage: { degreesLatitude, degreesLongitude, name, address } }
        }
    },
    contact: (r, words) => {
        const [displayName, vcard] = [words(), words()]
        return { v: { title: hex(displayName), text: hex(vcard) }, object: { contactMessage: { displayName, vcard } } }
    },
    login: r => {
        const [tertiary, username, device] = [number(r), big(r), 1 + r.below(99)]
        return {
            v: { version: ours(tertiary), user: username, device: String(device) },
            type: 'ClientPayload',
            object: { ...common(tertiary), username, device, passive: true, pull: true, lc: 1, lidDbMigrated: true }
        }
    },
    registration,
    key_request: r => {
        const ids = Array.from({ length: 1 + r.below(4) }, () => r.bytes(6))
        return {
            v: { list: ids.map(hex) },
            object: protocol(7, 'appStateSyncKeyRequest')({ keyIds: ids.map(keyId => ({ keyId })) })
        }
    },
    placeholder: r => {
        const keys = Array.from({ length: 1 + r.below(4) }, () => key(r))
        return {
            v: { keys: keys.map(given) },
            object: protocol(16, 'peerDataOperationRequestMessage')({
                peerDataOperationRequestType: 4, placeholderMessageResendRequest: keys.map(messageKey => ({ messageKey }))
            })
        }
    },
    on_demand: r => {
        const [chatJid, oldestMsgId, fromMe, count, time] = [jid(r), id(r), r.chance(0.5), 1 + r.below(50), big(r)]
        return {
            v: { history: { chat_jid: hex(chatJid), oldest_id: hex(oldestMsgId), oldest_from_me: fromMe, count: String(count), oldest_timestamp: time } },
            object: protocol(16, 'peerDataOperationRequestMessage')({
                peerDataOperationRequestType: 3, historySyncOnDemandRequest: {
                    chatJid, oldestMsgId, oldestMsgFromMe: fromMe, onDemandMsgCount: count, oldestMsgTimestampMs: time
                }
            })
        }
    },
    snapshot: r => {
        const [collectionName, timestamp] = [r.pick(['regular', 'critical_block']), big(r)]
        return {
            v: { text: hex(collectionName), timestamp_ms: timestamp },
            object: protocol(16, 'peerDataOperationRequestMessage')({
                peerDataOperationRequestType: 8, syncdCollectionFatalRecoveryRequest: { collectionName, timestamp }
            })
        }
    }
}
