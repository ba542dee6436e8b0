/* Files behind names that anybody may have put there: opening never makes us wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/plain_file.h"

enum { WITHIN_S = 20 /* else the test hangs where the program would */ };

struct fixture {
    char dir[64];
    char path[128];
};

static int setup(void **state)
{
    static struct fixture f;

    snprintf(f.dir, sizeof f.dir, "/tmp/wb-plain-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    snprintf(f.path, sizeof f.path, "%s/x", f.dir);
    alarm(WITHIN_S);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    alarm(0);
    (void)unlink(f->path);
    return rmdir(f->path) == 0 || rmdir(f->dir) == 0 ? 0 : rmdir(f->dir);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* Every way of opening this path is refused. */
static void refused(const char *path)
{
    static const int flags[] = {O_RDONLY, O_RDONLY | O_NOFOLLOW, O_RDWR | O_CREAT,
                                O_WRONLY | O_CREAT | O_TRUNC, O_WRONLY | O_APPEND};
    struct buf text = buf_new(100);
    FILE *stream = NULL;
    int fd = -7;

    assert_int_equal(plain_look(path), WB_ERR_NOT_PLAIN);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        assert_int_equal(plain_open(path, flags[i], 0600, &fd), WB_ERR_NOT_PLAIN);
    assert_int_equal(fd, -7);
    assert_int_equal(plain_stream(path, O_RDONLY, 0, &stream), WB_ERR_NOT_PLAIN);
    assert_null(stream);
    assert_int_equal(plain_read(path, 0, &text), WB_ERR_NOT_PLAIN);
    assert_int_equal(text.n, 0);
    assert_string_equal(plain_error_text(WB_ERR_NOT_PLAIN), "not a plain file");
    buf_free(&text);
}

static void test_pipe_device_socket_directory(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(mkfifo(f->path, 0666), 0);
    refused(f->path);
    assert_int_equal(unlink(f->path), 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%.100s", f->path);
    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof at), 0);
    refused(f->path);
    close(s);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    refused(f->path);
    assert_int_equal(rmdir(f->path), 0);
    refused("/dev/zero");
    refused("/dev/null");
    /* Also behind a link. */
    assert_int_equal(symlink("/dev/zero", f->path), 0);
    refused(f->path);
}

static void test_plain_files_are_opened(void **state)
{
    struct fixture *f = *state;
    struct buf text = buf_new(11), small = buf_new(10);
    char link[140];
    int fd = -1;

    assert_int_equal(plain_look(f->path), WB_ERR_NOT_FOUND);
    assert_int_equal(plain_read(f->path, 0, &text), WB_ERR_NOT_FOUND);
    write_file(f->path, "hello world", 0600);
    assert_int_equal(plain_look(f->path), WB_OK);
    assert_int_equal(plain_read(f->path, O_NOFOLLOW, &text), WB_OK);
    assert_string_equal(buf_cstr(&text), "hello world");
    assert_int_equal(plain_read(f->path, 0, &small), WB_ERR_TOO_LARGE);
    assert_int_equal(plain_open(f->path, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd), WB_ERR_EXISTS);
    snprintf(link, sizeof link, "%s.link", f->path);
    assert_int_equal(symlink(f->path, link), 0);
    assert_int_equal(plain_open(link, O_RDONLY | O_NOFOLLOW, 0, &fd), WB_ERR_NOT_PLAIN);
    assert_int_equal(plain_open(link, O_RDONLY, 0, &fd), WB_OK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    assert_int_equal(unlink(link), 0);
    buf_free(&text);
    buf_free(&small);
}

static void test_more_than_asked_is_taken_away(void **state)
{
    struct fixture *f = *state;
    mode_t was = 0;
    struct stat st;
    int fd;

    write_file(f->path, "key", 0666);
    assert_int_equal(plain_open(f->path, O_RDONLY, 0, &fd), WB_OK);
    assert_int_equal(plain_tighten(fd, 0600, &was), WB_OK);
    assert_int_equal(was, 0666);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    /* No right is added. */
    assert_int_equal(plain_tighten(fd, 0660, &was), WB_OK);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    close(fd);
    /* Bits that give nobody access are not touched: here, the bit that says which group files
     * get. */
    assert_int_equal(chmod(f->dir, 02775), 0);
    fd = open(f->dir, O_RDONLY | O_DIRECTORY);
    assert_int_equal(plain_tighten(fd, 0770, NULL), WB_OK);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02770);
    close(fd);
}

static void test_log_goes_to_files_pipes_and_terminals_only(void **state)
{
    struct fixture *f = *state;
    struct log l;
    char got[200] = "";
    int in;

    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(log_open(&l, &clock_system, f->path), WB_ERR_IO); /* nobody reads it */
    in = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(log_open(&l, &clock_system, f->path), WB_OK);
    log_info(&l, "test", "first");
    assert_true(read(in, got, sizeof got - 1) > 0);
    assert_non_null(strstr(got, "first"));
    for (int i = 0; i < 10000; i++) /* far more than the pipe holds, and nobody reads */
        log_info(&l, "test", "a line that finds no room does not stop us");
    log_close(&l);
    close(in);
    assert_int_equal(log_open(&l, &clock_system, f->dir), WB_ERR_IO);
    assert_int_equal(log_open(&l, &clock_system, "/dev/null"), WB_OK);
    log_info(&l, "test", "nowhere");
    log_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pipe_device_socket_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plain_files_are_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_than_asked_is_taken_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_goes_to_files_pipes_and_terminals_only, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
