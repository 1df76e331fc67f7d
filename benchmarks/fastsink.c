/* An SMTP sink that is faster than any sender: for measuring senders, on loopback only.
 *
 * build: cc -O2 -o fastsink fastsink.c
 * use:   fastsink PORT [DELAY_MS [LOG [TALLY]]]
 *
 * Accepts every message and throws it away. DELAY_MS holds back each reply to a final dot, as a distant relay would.
 * LOG gets the RCPT line of each accepted message, flushed five times a second and at SIGTERM; "-": none.
 * TALLY is a file that others map or read while it runs: `struct tally` below. Write zeros over it to begin again.
 * Offers PIPELINING and 8BITMIME; no TLS, no limits, no checks.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
    int fd, in_data, in_length, out_length;
    double reply_due; /* 0: nothing held back */
    struct connection *next_due;
    char recipient[320], in[131072], out[16384];
};

struct tally {
    long long accepted, bytes, connections;
    double first, last; /* seconds of CLOCK_MONOTONIC: of the first and the last message that was accepted */
};

static FILE *log_file;
static struct tally unseen, *tally = &unseen;
static double delay;
static struct connection *first_due, *last_due;
static volatile sig_atomic_t stopping;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void reply(struct connection *c, const char *line)
{
    size_t length = strlen(line);
    if (c->out_length + length > sizeof c->out)
        return;
    memcpy(c->out + c->out_length, line, length);
    c->out_length += length;
}

static void flush_replies(struct connection *c)
{
    for (int sent = 0; sent < c->out_length && !c->reply_due;) {
        ssize_t n = send(c->fd, c->out + sent, c->out_length - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += n;
        else if (errno == EAGAIN)
            usleep(50);
        else
            sent = c->out_length; /* the peer has gone: drop what it was owed */
        if (sent == c->out_length)
            c->out_length = 0;
    }
}

static void command(struct connection *c, const char *line, int length)
{
    if (!strncasecmp(line, "RCPT", 4)) {
        int n = length < (int)sizeof c->recipient - 1 ? length : (int)sizeof c->recipient - 1;
        memcpy(c->recipient, line, n);
        c->recipient[n] = 0;
        reply(c, "250 2.1.5 Ok\r\n");
    } else if (!strncasecmp(line, "DATA", 4)) {
        reply(c, "354 End data with <CR><LF>.<CR><LF>\r\n");
        c->in_data = 1;
    } else if (!strncasecmp(line, "EHLO", 4))
        reply(c, "250-fastsink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 52428800\r\n");
    else if (!strncasecmp(line, "QUIT", 4))
        reply(c, "221 2.0.0 Bye\r\n");
    else
        reply(c, "250 2.0.0 Ok\r\n");
}

static void accept_message(struct connection *c)
{
    tally->last = now();
    if (!tally->accepted++)
        tally->first = tally->last;
    if (log_file)
        fprintf(log_file, "%s\n", c->recipient);
}

static void consume(struct connection *c)
{
    int at = 0;
    while (!c->reply_due) {
        if (c->in_data) {
            char *dot = memmem(c->in + at, c->in_length - at, "\r\n.\r\n", 5);
            if (!dot) { /* keep a tail that the dot may begin in */
                int tail = c->in_length - at < 4 ? c->in_length - at : 4;
                at = c->in_length - tail;
                break;
            }
            at = dot - c->in + 5;
            c->in_data = 0;
            accept_message(c);
            reply(c, "250 2.0.0 Ok\r\n");
            if (delay > 0) {
                c->reply_due = now() + delay;
                c->next_due = NULL;
                if (last_due)
                    last_due->next_due = c;
                else
                    first_due = c;
                last_due = c;
            }
        } else {
            char *end = memmem(c->in + at, c->in_length - at, "\r\n", 2);
            if (!end)
                break;
            command(c, c->in + at, end - c->in - at);
            at = end - c->in + 2;
        }
    }
    memmove(c->in, c->in + at, c->in_length - at);
    c->in_length -= at;
}

static void release_due(void)
{
    while (first_due && first_due->reply_due <= now()) {
        struct connection *c = first_due;
        first_due = c->next_due;
        if (!first_due)
            last_due = NULL;
        c->reply_due = 0;
        if (c->fd < 0) {
            free(c);
            continue;
        }
        flush_replies(c);
        consume(c);
        flush_replies(c);
    }
}

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static int share_tally(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *tally))
        return -1;
    void *shared = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED)
        return -1;
    tally = shared;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "use: fastsink PORT [DELAY_MS [LOG [TALLY]]]\n");
        return 2;
    }
    delay = argc > 2 ? atof(argv[2]) / 1e3 : 0;
    log_file = argc > 3 && strcmp(argv[3], "-") ? fopen(argv[3], "a") : NULL;
    if (argc > 4 && share_tally(argv[4])) {
        perror(argv[4]);
        return 1;
    }
    signal(SIGTERM, stop);
    signal(SIGINT, stop);

    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 1024)) {
        perror("fastsink");
        return 1;
    }
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}, ready[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);

    double flushed = now();
    while (!stopping) {
        int timeout = log_file ? 200 : -1;
        if (first_due) {
            double wait = (first_due->reply_due - now()) * 1000;
            timeout = wait <= 0 ? 0 : wait < 1 ? 1 : (int)wait;
        }
        int count = epoll_wait(poll, ready, 256, timeout);
        if (log_file && now() - flushed > 0.2) {
            fflush(log_file);
            flushed = now();
        }
        for (int i = 0; i < count; i++) {
            struct connection *c = ready[i].data.ptr;
            if (!c) {
                int fd = accept(listener, NULL, NULL);
                if (fd < 0)
                    continue;
                fcntl(fd, F_SETFL, O_NONBLOCK);
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                c = calloc(1, sizeof *c);
                c->fd = fd;
                tally->connections++;
                event.data.ptr = c;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
                reply(c, "220 fastsink ESMTP\r\n");
                flush_replies(c);
                continue;
            }
            if (c->in_length == sizeof c->in)
                continue; /* a held-back reply: read on when it has left */
            ssize_t n = recv(c->fd, c->in + c->in_length, sizeof c->in - c->in_length, 0);
            if (n > 0) {
                c->in_length += n;
                tally->bytes += n;
                consume(c);
                flush_replies(c);
            } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) { /* it hung up, or was killed */
                close(c->fd);
                c->fd = -1;
                if (!c->reply_due)
                    free(c);
            }
        }
        release_due();
    }
    if (log_file)
        fclose(log_file);
    return 0;
}
