"""Names and kinds of the protobuf fields that the comparison looks into.

Written from the published schema (WAWebProtobufsWa6, WAWebProtobufsE2E, WAAdv): only what clients in
these scenarios send; other fields are compared by number.
"""

APP_VERSION = {1: ("primary", "int"), 2: ("secondary", "int"), 3: ("tertiary", "int"),
               4: ("quaternary", "int"), 5: ("quinary", "int")}

HISTORY = {
    1: ("fullSyncDaysLimit", "int"), 2: ("fullSyncSizeMbLimit", "int"), 3: ("storageQuotaMb", "int"),
    4: ("inlineInitialPayloadInE2EeMsg", "int"), 5: ("recentSyncDaysLimit", "int"),
    6: ("supportCallLogHistory", "int"), 7: ("supportBotUserAgentChatHistory", "int"),
    8: ("supportCagReactionsAndPolls", "int"), 9: ("supportBizHostedMsg", "int"),
    10: ("supportRecentSyncChunkMessageCountTuning", "int"), 11: ("supportHostedGroupMsg", "int"),
    12: ("supportFbidBotChatHistory", "int"), 13: ("supportAddOnHistorySyncMigration", "int"),
    14: ("supportMessageAssociation", "int"), 15: ("supportGroupHistory", "int"),
    16: ("onDemandReady", "int"), 17: ("supportGuestChat", "int"), 18: ("completeOnDemandReady", "int"),
    19: ("thumbnailSyncDaysLimit", "int")}

DEVICE_PROPS = {1: ("os", "str"), 2: ("version", APP_VERSION), 3: ("platformType", "int"),
                4: ("requireFullSync", "int"), 5: ("historySyncConfig", HISTORY)}

REGISTRATION = {1: ("eRegid", ("fixed", 4)), 2: ("eKeytype", ("fixed", 1)), 3: ("eIdent", ("fixed", 32)),
                4: ("eSkeyId", ("fixed", 3)), 5: ("eSkeyVal", ("fixed", 32)),
                6: ("eSkeySig", ("fixed", 64)), 7: ("buildHash", ("fixed", 16)),
                8: ("deviceProps", DEVICE_PROPS)}

USER_AGENT = {
    1: ("platform", "int"), 2: ("appVersion", APP_VERSION), 3: ("mcc", "str"), 4: ("mnc", "str"),
    5: ("osVersion", "str"), 6: ("manufacturer", "str"), 7: ("device", "str"),
    8: ("osBuildNumber", "str"), 9: ("phoneId", "str"), 10: ("releaseChannel", "int"),
    11: ("localeLanguage", "str"), 12: ("localeCountry", "str"), 15: ("deviceType", "int")}

CLIENT_PAYLOAD = {
    1: ("username", "int"), 3: ("passive", "int"), 5: ("userAgent", USER_AGENT),
    6: ("webInfo", {4: ("webSubPlatform", "int")}), 7: ("pushName", "str"), 9: ("sessionId", "secret"),
    10: ("shortConnect", "int"), 12: ("connectType", "int"), 13: ("connectReason", "int"),
    16: ("connectAttemptCount", "int"), 18: ("device", "int"),
    19: ("devicePairingData", REGISTRATION), 20: ("product", "int"), 33: ("pull", "int"),
    41: ("lidDbMigrated", "int")}

# The device's signature over its identity, and what the phone signed (WAAdv).
DEVICE_IDENTITY = {1: ("details", {1: ("rawId", "secret"), 2: ("timestamp", "secret"),
                                   3: ("keyIndex", "int"), 4: ("accountType", "int"),
                                   5: ("deviceType", "int")}),
                   2: ("accountSignatureKey", ("fixed", 32)), 3: ("accountSignature", ("fixed", 64)),
                   4: ("deviceSignature", ("fixed", 64))}

# Signal messages (after the version byte).
PREKEY_MESSAGE = {1: ("preKeyId", "int"), 2: ("baseKey", ("fixed", 33)), 3: ("identityKey", ("fixed", 33)),
                  5: ("registrationId", "secret"), 6: ("signedPreKeyId", "int")}
SIGNAL_MESSAGE = {1: ("ratchetKey", ("fixed", 33)), 2: ("counter", "int"), 3: ("previousCounter", "int"),
                  4: ("ciphertext", "secret")}
SENDER_KEY_MESSAGE = {1: ("id", "secret"), 2: ("iteration", "int"), 3: ("ciphertext", "secret")}

# Behind its version byte; the length of the random id varies.
DISTRIBUTION = {1: ("id", "secret"), 2: ("iteration", "int"), 3: ("chainKey", ("fixed", 32)),
                4: ("signingKey", ("fixed", 33))}

_CONTEXT = {1: ("stanzaId", "str"), 2: ("participant", "str"), 15: ("mentionedJid", "str"),
            25: ("expiration", "int")}
_MESSAGE_CONTEXT = {1: ("deviceListMetadata", "bytes"), 2: ("deviceListMetadataVersion", "int"),
                    3: ("messageSecret", ("fixed", 32)), 4: ("paddingBytes", "secret")}
MESSAGE = {1: ("conversation", "str"),
           2: ("senderKeyDistribution", {1: ("groupId", "str"), 2: ("key", ("versioned", DISTRIBUTION))}),
           6: ("extendedText", {1: ("text", "str"), 17: ("contextInfo", _CONTEXT)}),
           35: ("messageContextInfo", _MESSAGE_CONTEXT)}
MESSAGE[31] = ("deviceSent", {1: ("destinationJid", "str"), 2: ("message", dict(MESSAGE)),
                              3: ("phash", "str")})
