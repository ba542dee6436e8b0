#include "tools/mock/core/config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct mock_config config_default(void)
{
    return (struct mock_config){
        .phone = "27820000001", .ref_first_ms = 60000, .ref_next_ms = 20000, .compress_over = 4096};
}

static const char help[] =
    "wa-mock: a WhatsApp server for tests\n"
    "\n"
    "  --port N             listen on 127.0.0.1:N (0, the default: any free port)\n"
    "  --tls                wss and https; prints CA_FILE=\n"
    "  --ca-file FILE       where --tls leaves its certificate\n"
    "  --seed N             all randomness from this number\n"
    "  --root-key-seed HEX  32 bytes: private half of the Noise certificate root\n"
    "  --trace FILE         one JSON line per stanza\n"
    "  --phone NUMBER       the account that scan-qr pairs by default (27820000001)\n"
    "  --phone-per-name     or the account of the client's push name, made if it is new\n"
    "  --contacts N         scripted people: 27820001000, 27820001001, ...\n"
    "  --groups N           groups of all contacts that each new account is a member of\n"
    "  --groups-pn          those groups are addressed by phone number (default: LID)\n"
    "  --ref-ms FIRST,NEXT  life of the QR refs in ms (60000,20000)\n"
    "  --ping-ms N          send a server ping every N ms\n"
    "  --compress-over N    deflate stanzas above N bytes (4096; 0: never)\n"
    "  --require-tctoken    463 for a first contact without a privacy token\n"
    "  --phash-without-sender   the hash in acks of 1:1 messages leaves the sender out\n"
    "  --chatstate-ttl-ms N     'is typing' waits so long for who is offline (0)\n"
    "  --strict-close       a flagged ack or receipt also ends the stream\n"
    "  --verbose            say on standard error what happens\n"
    "  -h, --help           this text\n"
    "  --version\n"
    "\n"
    "Prints ROOT_KEY=<hex> and LISTENING=<url> when ready. See docs/wa-mock.md for /admin.\n";

static bool number(const char *text, uint64_t max, uint64_t *ret_v)
{
    uint64_t v;

    if (!span_to_u64(span_cstr(text), &v) || v > max) {
        (void)fprintf(stderr, "wa-mock: not a number between 0 and %llu: %s\n",
                      (unsigned long long)max, text);
        return false;
    }
    *ret_v = v;
    return true;
}

static bool ref_ms(const char *text, struct mock_config *c)
{
    const char *comma = strchr(text, ',');
    uint64_t first, next;

    if (!comma || !span_to_u64(SPAN(text, (size_t)(comma - text)), &first) ||
        !span_to_u64(span_cstr(comma + 1), &next) || first > 3600000 || next > 3600000) {
        (void)fprintf(stderr, "wa-mock: --ref-ms wants FIRST,NEXT: %s\n", text);
        return false;
    }
    c->ref_first_ms = (int64_t)first;
    c->ref_next_ms = (int64_t)next;
    return true;
}

static bool root_seed(const char *text, struct mock_config *c)
{
    size_t n;

    if (hex_decode(span_cstr(text), c->root_seed, sizeof c->root_seed, &n) != WB_OK ||
        n != sizeof c->root_seed) {
        (void)fprintf(stderr, "wa-mock: --root-key-seed wants 64 hex digits\n");
        return false;
    }
    c->has_root_seed = true;
    return true;
}

static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                        {"tls", no_argument, NULL, 't'},
                                        {"ca-file", required_argument, NULL, 'A'},
                                        {"seed", required_argument, NULL, 's'},
                                        {"root-key-seed", required_argument, NULL, 'r'},
                                        {"trace", required_argument, NULL, 'T'},
                                        {"phone", required_argument, NULL, 'P'},
                                        {"phone-per-name", no_argument, NULL, 'N'},
                                        {"contacts", required_argument, NULL, 'c'},
                                        {"groups", required_argument, NULL, 'g'},
                                        {"groups-pn", no_argument, NULL, 'n'},
                                        {"ref-ms", required_argument, NULL, 'R'},
                                        {"ping-ms", required_argument, NULL, 'i'},
                                        {"compress-over", required_argument, NULL, 'z'},
                                        {"require-tctoken", no_argument, NULL, 'k'},
                                        {"phash-without-sender", no_argument, NULL, 'H'},
                                        {"chatstate-ttl-ms", required_argument, NULL, 'S'},
                                        {"strict-close", no_argument, NULL, 'x'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'V'},
                                        {NULL, 0, NULL, 0}};

/* Takes one option; false when its value is bad. */
static bool take(struct mock_config *c, int opt)
{
    uint64_t v = 0;
    bool ok = true;

    switch (opt) {
    case 'p':
        ok = number(optarg, 65535, &v);
        c->port = (uint16_t)v;
        break;
    case 's':
        ok = number(optarg, UINT64_MAX, &v);
        memcpy(c->seed, &v, sizeof v);
        c->has_seed = true;
        break;
    case 'c':
        ok = number(optarg, 8000, &v);
        c->contacts = (unsigned)v;
        break;
    case 'g':
        ok = number(optarg, 1000, &v);
        c->groups = (unsigned)v;
        break;
    case 'i':
        ok = number(optarg, 3600000, &v);
        c->ping_every_ms = (int64_t)v;
        break;
    case 'z':
        ok = number(optarg, 1 << 24, &v);
        c->compress_over = (unsigned)v;
        break;
    case 'r':
        return root_seed(optarg, c);
    case 'R':
        return ref_ms(optarg, c);
    case 'T':
        c->trace_path = optarg;
        break;
    case 'A':
        c->ca_path = optarg;
        break;
    case 'P':
        c->phone = optarg;
        break;
    case 'H':
        c->phash_without_sender = true;
        break;
    case 'S':
        ok = number(optarg, 3600000, &v);
        c->chatstate_ttl_ms = (int64_t)v;
        break;
    case 'N':
        c->phone_per_name = true;
        break;
    case 't':
        c->tls = true;
        break;
    case 'n':
        c->groups_pn = true;
        break;
    case 'k':
        c->require_tctoken = true;
        break;
    case 'x':
        c->strict_close = true;
        break;
    case 'v':
        c->verbose = true;
        break;
    default:
        return false;
    }
    return ok;
}

enum config_result config_parse(int argc, char **argv, struct mock_config *ret_c)
{
    struct mock_config c = config_default();
    int opt;

    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (opt == 'h') {
            (void)fputs(help, stdout);
            return CONFIG_HELP;
        }
        if (opt == 'V') {
            (void)puts("wa-mock " WB_VERSION);
            return CONFIG_HELP;
        }
        if (!take(&c, opt))
            return CONFIG_BAD;
    }
    if (optind != argc) {
        (void)fprintf(stderr, "wa-mock: unknown argument: %s\n", argv[optind]);
        return CONFIG_BAD;
    }
    *ret_c = c;
    return CONFIG_RUN;
}
