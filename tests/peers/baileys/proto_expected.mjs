// What struct content (proto/content.h) holds of a Message, said in Baileys' names. The rows are the
// meaning of each kind: [member of ours, path in the message]; later rows win over earlier ones.

const KEY = (to, path) => [
    [`${to}.remote_jid`, `${path}.remoteJid`], [`${to}.from_me`, `${path}.fromMe`],
    [`${to}.id`, `${path}.id`], [`${to}.participant`, `${path}.participant`]
]
const FILE = [
    ['media.url', 'url'], ['media.mimetype', 'mimetype'], ['media.file_sha256', 'fileSha256'],
    ['media.file_enc_sha256', 'fileEncSha256'], ['media.media_key', 'mediaKey'],
    ['media.file_length', 'fileLength'], ['media.direct_path', 'directPath'],
    ['media.key_timestamp', 'mediaKeyTimestamp']
]
const SIZE = [['media.width', 'width'], ['media.height', 'height']]
const THUMB = ['media.thumbnail', 'jpegThumbnail']
const SEALED = [['sealed', 'encPayload'], ['sealed_iv', 'encIv']]
const PLACE = at => [
    ['latitude', at + 'degreesLatitude'], ['longitude', at + 'degreesLongitude'],
    ['name', at + 'name'], ['address', at + 'address']
]
const VIDEO = [
    ...FILE, ...SIZE, THUMB, ['media.seconds', 'seconds'], ['media.gif', 'gifPlayback'], ['text', 'caption'],
    ['view_once', 'viewOnce']
]
const texts = (list, path) => object => (object[list] ?? []).map(one => hex(at(one, path) ?? ''))
const contact = one => prune({ name: hex(one.displayName), vcard: hex(one.vcard) })
const POLL = {
    kind: 'poll', rows: [['text', 'name'], ['number', 'selectableOptionsCount']],
    options: texts('options', 'optionName')
}
const HYDRATED = at => [['title', at + 'hydratedTitleText'], ['text', at + 'hydratedContentText']]
const INTERACTIVE = at => [['title', at + 'header.title'], ['text', at + 'body.text']]
const INVITE = (jid, name) => [['name', jid], ['title', name], ['text', 'caption']]
const PINNED = time => [...KEY('key', 'key'), ['number', time[0]], ['timestamp_ms', time[1]]]

export const KINDS = {
    imageMessage: { kind: 'image', media: true, rows: [...FILE, ...SIZE, THUMB, ['text', 'caption'], ['view_once', 'viewOnce']] },
    videoMessage: { kind: 'video', media: true, rows: VIDEO },
    ptvMessage: { kind: 'video_note', media: true, rows: VIDEO },
    audioMessage: {
        kind: 'audio', media: true, rows: [
            ...FILE, ['media.seconds', 'seconds'], ['media.ptt', 'ptt'], ['media.waveform', 'waveform'],
            ['view_once', 'viewOnce']]
    },
    documentMessage: {
        kind: 'document', media: true, rows: [
            ...FILE, THUMB, ['media.title', 'title'], ['media.file_name', 'fileName'], ['media.pages', 'pageCount'],
            ['text', 'caption']]
    },
    stickerMessage: {
        kind: 'sticker', media: true, rows: [
            ...FILE, ...SIZE, ['media.thumbnail', 'pngThumbnail'], ['media.animated', 'isAnimated'],
            ['media.lottie', 'isLottie']]
    },
    stickerPackMessage: { kind: 'sticker_pack', rows: [['title', 'name'], ['text', 'caption']] },
    conversation: { kind: 'text', rows: [] },
    extendedTextMessage: { kind: 'extended_text', rows: [['text', 'text'], ['title', 'title'], THUMB] },
    contactMessage: { kind: 'contact', rows: [], contacts: object => [contact(object)] },
    contactsArrayMessage: {
        kind: 'contacts', rows: [['title', 'displayName']], contacts: object => (object.contacts ?? []).map(contact)
    },
    locationMessage: { kind: 'location', rows: [...PLACE(''), ['text', 'comment']] },
    liveLocationMessage: { kind: 'live_location', rows: [...PLACE('').slice(0, 2), ['text', 'caption']] },
    pollCreationMessage: POLL,
    pollCreationMessageV2: POLL,
    pollCreationMessageV3: POLL,
    pollCreationMessageV5: POLL,
    pollUpdateMessage: {
        kind: 'poll_vote', rows: [
            ...KEY('key', 'pollCreationMessageKey'), ['sealed', 'vote.encPayload'], ['sealed_iv', 'vote.encIv'],
            ['timestamp_ms', 'senderTimestampMs']]
    },
    pollResultSnapshotMessage: { kind: 'poll_result', rows: [['text', 'name']], options: texts('pollVotes', 'optionName') },
    reactionMessage: { kind: 'reaction', rows: [...KEY('key', 'key'), ['text', 'text'], ['timestamp_ms', 'senderTimestampMs']] },
    encReactionMessage: { kind: 'enc_reaction', rows: [...KEY('key', 'targetMessageKey'), ...SEALED] },
    encCommentMessage: { kind: 'enc_comment', rows: [...KEY('key', 'targetMessageKey'), ...SEALED] },
    secretEncryptedMessage: { kind: 'secret_edit', rows: [...KEY('key', 'targetMessageKey'), ...SEALED] },
    encEventResponseMessage: { kind: 'enc_event_response', rows: [...KEY('key', 'eventCreationMessageKey'), ...SEALED] },
    commentMessage: { kind: 'comment', rows: KEY('key', 'targetMessageKey'), inner: 'message' },
    questionResponseMessage: { kind: 'comment', rows: [...KEY('key', 'key'), ['text', 'text']] },
    groupInviteMessage: { kind: 'group_invite', rows: INVITE('groupJid', 'groupName') },
    newsletterAdminInviteMessage: { kind: 'newsletter_invite', rows: INVITE('newsletterJid', 'newsletterName') },
    newsletterFollowerInviteMessageV2: { kind: 'newsletter_invite', rows: INVITE('newsletterJid', 'newsletterName') },
    listMessage: {
        kind: 'list', rows: [['title', 'title'], ['text', 'description']],
        options: object => (object.sections ?? []).flatMap(texts('rows', 'title'))
    },
    listResponseMessage: { kind: 'list_response', rows: [['text', 'title'], ['name', 'singleSelectReply.selectedRowId']] },
    buttonsMessage: {
        kind: 'buttons', rows: [['title', 'text'], ['text', 'contentText']],
        options: texts('buttons', 'buttonText.displayText')
    },
    buttonsResponseMessage: { kind: 'buttons_response', rows: [['name', 'selectedButtonId'], ['text', 'selectedDisplayText']] },
    templateMessage: {
        kind: 'template', rows: [
            ...HYDRATED('hydratedFourRowTemplate.'), ...HYDRATED('hydratedTemplate.'),
            ...INTERACTIVE('interactiveMessageTemplate.')]
    },
    highlyStructuredMessage: { kind: 'template', rows: [] },
    templateButtonReplyMessage: { kind: 'template_reply', rows: [['name', 'selectedId'], ['text', 'selectedDisplayText']] },
    interactiveMessage: { kind: 'interactive', rows: INTERACTIVE('') },
    interactiveResponseMessage: {
        kind: 'interactive_response', rows: [['text', 'body.text'], ['name', 'nativeFlowResponseMessage.name']]
    },
    productMessage: {
        kind: 'product', rows: [['title', 'product.title'], ['text', 'product.description'], ['text', 'body']]
    },
    orderMessage: {
        kind: 'order', rows: [['name', 'orderId'], ['number', 'itemCount'], ['text', 'message'], ['title', 'orderTitle']]
    },
    albumMessage: {
        kind: 'album', rows: [],
        more: object => ({ number: decimal((object.expectedImageCount ?? 0) + (object.expectedVideoCount ?? 0)) })
    },
    eventMessage: {
        kind: 'event', rows: [
            ['title', 'name'], ['text', 'description'], ...PLACE('location.'), ['number', 'startTime']]
    },
    pinInChatMessage: { kind: 'pin', rows: PINNED(['type', 'senderTimestampMs']) },
    keepInChatMessage: { kind: 'keep', rows: PINNED(['keepType', 'timestampMs']) },
    call: { kind: 'call', rows: [] },
    scheduledCallCreationMessage: { kind: 'call', rows: [['timestamp_ms', 'scheduledTimestampMs'], ['title', 'title']] },
    scheduledCallEditMessage: { kind: 'call', rows: KEY('key', 'key') },
    bcallMessage: { kind: 'call', rows: [['text', 'caption']] },
    callLogMesssage: { kind: 'call_log', rows: [['number', 'callOutcome'], ['media.seconds', 'durationSecs']], make: callLog },
    sendPaymentMessage: { kind: 'payment', rows: [], inner: 'noteMessage' },
    requestPaymentMessage: {
        kind: 'payment', rows: [['title', 'currencyCodeIso4217'], ['number', 'amount1000']], inner: 'noteMessage',
        make: (random, any) => ({ ...any(), amount1000: String(random.below(1e9)) })
    },
    declinePaymentRequestMessage: { kind: 'payment', rows: KEY('key', 'key') },
    cancelPaymentRequestMessage: { kind: 'payment', rows: KEY('key', 'key') },
    paymentInviteMessage: { kind: 'payment', rows: [] },
    invoiceMessage: { kind: 'invoice', rows: [['text', 'note']] },
    requestPhoneNumberMessage: { kind: 'request_phone_number', rows: [] },
    messageHistoryBundle: { kind: 'history_notice', rows: [] },
    messageHistoryNotice: { kind: 'history_notice', rows: [] },
    placeholderMessage: { kind: 'placeholder', rows: [] },
    protocolMessage: {
        kind: 'protocol', make: protocolMessage, inner: 'editedMessage', more: protocolParts, rows: [
            ...KEY('key', 'key'), ['protocol_type', 'type'], ['number', 'ephemeralExpiration'],
            ['context.ephemeral_setting_timestamp', 'ephemeralSettingTimestamp'], ['timestamp_ms', 'timestampMs']]
    }
}

/** Messages that hold another one; all but the first hold it in field 1. */
export const WRAPPERS = [
    'deviceSentMessage', 'ephemeralMessage', 'viewOnceMessage', 'viewOnceMessageV2', 'viewOnceMessageV2Extension',
    'documentWithCaptionMessage', 'editedMessage', 'botInvokeMessage', 'lottieStickerMessage',
    'groupMentionedMessage', 'eventCoverImage', 'statusMentionMessage', 'pollCreationOptionImageMessage',
    'associatedChildMessage', 'groupStatusMentionMessage', 'pollCreationMessageV4', 'statusAddYours',
    'groupStatusMessage', 'limitSharingMessage', 'botTaskMessage', 'questionMessage', 'groupStatusMessageV2',
    'botForwardedMessage', 'questionReplyMessage'
]
const VIEW_ONCE = ['viewOnceMessage', 'viewOnceMessageV2', 'viewOnceMessageV2Extension']

// Neither content nor for us: another kind of sender key, and the two that stand beside content.
const CARRIED = ['senderKeyDistributionMessage', 'fastRatchetKeySenderKeyDistributionMessage', 'messageContextInfo']

// Baileys numbers it 114; whatsmeow (2025-12 and 2026-08), whom we follow, 115.
const DISPUTED = ['pollResultSnapshotMessageV3']

/** What the schema has and we do not know: told by its number. */
export const UNKNOWN_KINDS = type => type.fieldsArray.map(field => field.name).filter(name =>
    !(name in KINDS) && ![...WRAPPERS, ...CARRIED, ...DISPUTED].includes(name))

// ---- values of both sides -----------------------------------------------------------------------------

export const hex = data => data === undefined ? undefined : Buffer.from(data).toString('hex')
const decimal = number => BigInt(number) === 0n ? undefined : String(number)
const at = (object, path) => path.split('.').reduce((found, part) => found?.[part], object)

/** The object without what is undefined, and without empty objects. */
export function prune(object) {
    for (const [name, part] of Object.entries(object)) {
        if (part === undefined || (typeof part === 'object' && !Array.isArray(part) && !Object.keys(part).length)) {
            delete object[name]
        }
    }
    return object
}

/** A value as proto_pipe shows it; undefined when it is absent, 0 or false. */
export function convert(type, object, path) {
    const data = at(object, path)
    if (data === undefined) return undefined
    let field
    for (const part of path.split('.')) {
        field = (field ? field.resolvedType : type).fields[part]?.resolve()
        if (!field) throw new Error(`${type.name} has no ${path}`)
    }
    if (field.type === 'string' || field.type === 'bytes') return hex(data)
    if (field.type === 'bool') return data || undefined
    if (field.type === 'double') return data === 0 ? undefined : data
    return decimal(data)
}

function put(made, path, data) {
    const parts = path.split('.')
    const last = parts.pop()
    const holder = parts.reduce((found, part) => (found[part] ??= {}), made)
    if (data === undefined) delete holder[last]
    else holder[last] = data
}

// ---- the whole ----------------------------------------------------------------------------------------

function context(type, object, encoded) {
    const field = type.fieldsArray.find(one => one.resolve().resolvedType?.name === 'ContextInfo')
    const info = field && object[field.name]
    if (!info) return undefined
    const made = { present: true, quoted: info.quotedMessage && encoded(info.quotedMessage) }
    for (const [to, path] of [
        ['stanza_id', 'stanzaId'], ['participant', 'participant'], ['remote_jid', 'remoteJid'],
        ['forwarding_score', 'forwardingScore'], ['forwarded', 'isForwarded'], ['expiration', 'expiration'],
        ['ephemeral_setting_timestamp', 'ephemeralSettingTimestamp']
    ]) made[to] = convert(field.resolvedType, info, path)
    made.has_expiration = info.expiration !== undefined || undefined
    made.mentions_all = Boolean(info.nonJidMentions) || undefined
    if (info.mentionedJid?.length) made.mentioned = info.mentionedJid.map(hex)
    return prune(made)
}

function carried(made, message) {
    const info = message.messageContextInfo
    const keys = message.senderKeyDistributionMessage
    if (keys && made.skdm === undefined) {
        made.skdm_group = hex(keys.groupId)
        made.skdm = hex(keys.axolotlSenderKeyDistributionMessage)
    }
    made.secret ??= hex(info?.messageSecret)
    if (info && made.association_type === undefined) {
        const parent = info.messageAssociation?.parentMessageKey ?? {}
        made.association_type = decimal(info.messageAssociation?.associationType ?? 0)
        made.association = prune({
            remote_jid: hex(parent.remoteJid), from_me: parent.fromMe || undefined, id: hex(parent.id),
            participant: hex(parent.participant)
        })
    }
}

function unwrapped(made, message) {
    for (;;) {
        carried(made, message)
        const wrapper = WRAPPERS.find(name => message[name])
        if (!wrapper) return message
        if (wrapper === 'deviceSentMessage') {
            made.device_sent = true
            made.destination = hex(message[wrapper].destinationJid)
        }
        if (wrapper === 'ephemeralMessage') made.ephemeral = true
        if (wrapper === 'editedMessage') made.edited = true
        if (VIEW_ONCE.includes(wrapper)) made.view_once = true
        message = message[wrapper].message
    }
}

/** encoded: an object, and its type if that is not Message -> its bytes in hex, by Baileys. */
export function contentOf(sent, type, encoded) {
    const made = { kind: 'none', protocol_type: '-1' }
    const message = unwrapped(made, sent)
    const name = Object.keys(message).find(one => !CARRIED.includes(one))
    made.message = encoded(message)
    if (name === undefined) return prune(made)
    const kind = KINDS[name]
    if (!kind) return prune({ ...made, kind: 'unknown', unknown_fields: [String(type.fields[name].id)] })
    made.kind = kind.kind
    if (name === 'conversation') return prune({ ...made, text: hex(message.conversation) })
    const object = message[name]
    const part = type.fields[name].resolve().resolvedType
    if (kind.media) made.media = { present: true }
    made.context = context(part, object, encoded)
    for (const [to, path] of kind.rows) {
        if (at(object, path) === undefined || (to === 'view_once' && made.view_once)) continue
        put(made, to, convert(part, object, path))
    }
    const options = kind.options?.(object) ?? []
    const contacts = kind.contacts?.(object) ?? []
    if (options.length) made.options = options
    if (contacts.length) made.contacts = contacts
    if (kind.inner && object[kind.inner]) made.inner = contentOf(object[kind.inner], type, encoded)
    Object.assign(made, kind.more?.(object, part, encoded))
    return prune(made)
}

// ---- kinds with rules of their own --------------------------------------------------------------------

/** Our seconds have 32 bits; nobody has called for longer. */
function callLog(random, any) {
    const made = any()
    if (made.durationSecs !== undefined) made.durationSecs = String(random.below(2 ** 32))
    return made
}

// ProtocolMessage.type, the part that belongs to it, and what we call it when it is a kind by itself.
const PROTOCOLS = [
    [0, undefined, 'revoke'], [3, undefined, 'ephemeral_setting'], [14, 'editedMessage', 'edit'],
    [5, 'historySyncNotification'], [6, 'appStateSyncKeyShare'], [7, 'appStateSyncKeyRequest'],
    [16, 'peerDataOperationRequestMessage'], [17, 'peerDataOperationRequestResponseMessage'],
    [22, 'lidMigrationMappingSyncMessage'], [9, undefined], [10, undefined]
]
const PARTS = PROTOCOLS.map(row => row[1]).filter(Boolean)

function protocolMessage(random, any) {
    const [type, part] = random.pick(PROTOCOLS)
    let made = any()
    while (part && !made[part]) made = { ...any(), ...made }
    for (const other of PARTS) if (other !== part) delete made[other]
    return { ...made, type }
}

function protocolParts(object, type, encoded) {
    const [, part, kind] = PROTOCOLS.find(row => row[0] === object.type)
    const made = { protocol_type: decimal(object.type) }
    if (kind) made.kind = kind
    if (part && part !== 'editedMessage') {
        made.protocol_payload = encoded(object[part], type.fields[part].resolve().resolvedType)
    }
    return made
}
