/* Checks of the files that settings name: without them an error would show only when the file is
 * used, after the store was made. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "bridge/settings/config_private.h"
#include "bridge/settings/limits.h"

/* Does any line begin a certificate? Other text between certificates is usual. */
static bool has_certificate(const char *path)
{
    static const char begin[] = "-----BEGIN ", end[] = "CERTIFICATE-----";
    FILE *f = NULL;
    char line[256];
    struct stat st;
    bool found = false;

    if (plain_stream(path, O_RDONLY, 0, &f) != WB_OK)
        return false;
    if (fstat(fileno(f), &st) != 0 || st.st_size > CONFIG_CA_BYTES_MAX) {
        fclose(f);
        return false;
    }
    while (!found && fgets(line, sizeof line, f))
        found = strncmp(line, begin, sizeof begin - 1) == 0 && strstr(line, end);
    fclose(f);
    return found;
}

/* Is the file's directory there, or is it the store's, which is still to be made? */
static bool has_directory(const struct config *c, const char *path)
{
    const char *slash = strrchr(path, '/');
    char directory[PATH_MAX];
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (n == 0)
        return true; /* the file lies in the root or in our working directory */
    if (n >= sizeof directory)
        return false;
    memcpy(directory, path, n);
    directory[n] = '\0';
    return access(directory, X_OK) == 0 || strcmp(directory, c->store_dir) == 0;
}

bool config_check_files(const struct config *c, struct buf *problem)
{
    bool ok = true;

    if (c->ca_file[0] && !has_certificate(c->ca_file)) {
        buf_printf(problem, "--ca-file: '%.200s' holds no certificate (PEM)\n", c->ca_file);
        ok = false;
    }
    if (c->log_file[0] && !has_directory(c, c->log_file)) {
        buf_printf(problem, "--log-file: the directory of '%.200s' is not there\n", c->log_file);
        ok = false;
    }
    return ok;
}
