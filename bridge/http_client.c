#include "bridge/http_client.h"

#include <curl/curl.h>

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct buf *out = user;

    buf_append(out, SPAN(data, size * n));
    return buf_err(out) == WB_OK ? size * n : 0;
}

static enum wb_err outcome(CURL *curl, CURLcode code, const struct buf *out)
{
    long status = 0;

    if (buf_err(out) != WB_OK)
        return buf_err(out);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return WB_ERR_TIMEOUT;
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return WB_ERR_INVALID;
    if (code != CURLE_OK)
        return WB_ERR_NET;
    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200)
        return WB_ERR_REFUSED;
    return WB_OK;
}

enum wb_err http_get(const char *url, const char *const *headers, const char *ca_file,
                     long timeout_ms, struct buf *out)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *list = NULL;
    enum wb_err err;

    if (!curl)
        return WB_ERR_NOMEM;
    for (size_t i = 0; headers && headers[i]; i++) {
        struct curl_slist *longer = curl_slist_append(list, headers[i]);

        if (!longer)
            break;
        list = longer;
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    if (ca_file && ca_file[0])
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    err = outcome(curl, curl_easy_perform(curl), out);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    return err;
}
