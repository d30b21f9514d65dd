// The door to libcurl. curl_easy_setopt and its relatives are variadic, which Swift cannot import; here is one
// function per type of argument, so that the compiler sees an argument of the wrong type (libcurl would read it
// as whatever the option says, silently). The option still has to fit: the name says which family it is of.
#ifndef CCURL_H
#define CCURL_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>  // what libcurl's sockets are watched with; Swift's Glibc leaves it out
#include <sys/socket.h>

/// Options of the family CURLOPTTYPE_LONG and CURLOPTTYPE_VALUES.
static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) { return curl_easy_setopt(easy, option, value); }

/// Options of the family CURLOPTTYPE_OFF_T.
static inline CURLcode ccurl_set_size(CURL *easy, CURLoption option, int64_t value) {
    return curl_easy_setopt(easy, option, (curl_off_t)value);
}

/// Options of the family CURLOPTTYPE_STRINGPOINT; libcurl copies the text.
static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value) { return curl_easy_setopt(easy, option, value); }

/// Options of the families CURLOPTTYPE_OBJECTPOINT and CURLOPTTYPE_CBPOINT; libcurl keeps the pointer.
static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) { return curl_easy_setopt(easy, option, value); }

/// Options of the family CURLOPTTYPE_SLISTPOINT; libcurl keeps the pointer.
static inline CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

/// CURLOPT_COPYPOSTFIELDS with its size, in the order that libcurl wants.
static inline CURLcode ccurl_set_body(CURL *easy, const void *bytes, int64_t count) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}

/// CURLOPT_WRITEFUNCTION or CURLOPT_HEADERFUNCTION.
static inline CURLcode ccurl_set_receiver(CURL *easy, CURLoption option, size_t (*receiver)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(easy, option, receiver);
}

/// CURLOPT_OPENSOCKETFUNCTION.
static inline CURLcode ccurl_set_open_socket(CURL *easy, curl_socket_t (*open)(void *, curlsocktype, struct curl_sockaddr *)) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open);
}

/// CURLOPT_PREREQFUNCTION.
static inline CURLcode ccurl_set_before_request(CURL *easy, int (*before)(void *, char *, char *, int, int)) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before);
}

static inline CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value) { return curl_easy_getinfo(easy, info, value); }

static inline CURLcode ccurl_get_size(CURL *easy, CURLINFO info, int64_t *value) {
    curl_off_t got = 0;
    CURLcode code = curl_easy_getinfo(easy, info, &got);
    *value = (int64_t)got;
    return code;
}

/// CURLINFO_PRIVATE, which libcurl types as text.
static inline void *ccurl_get_private(CURL *easy) {
    char *value = NULL;
    return curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value) == CURLE_OK ? value : NULL;
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode ccurl_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
    return curl_multi_setopt(multi, option, value);
}

/// CURLMOPT_SOCKETFUNCTION.
static inline CURLMcode ccurl_multi_set_socket(CURLM *multi, int (*changed)(CURL *, curl_socket_t, int, void *, void *)) {
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, changed);
}

/// CURLMOPT_TIMERFUNCTION.
static inline CURLMcode ccurl_multi_set_timer(CURLM *multi, int (*changed)(CURLM *, long, void *)) {
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, changed);
}

/// A finished transfer, or NULL when there is none; `code` says how it ended.
static inline CURL *ccurl_multi_next_finished(CURLM *multi, CURLcode *code) {
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE) continue;
        *code = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}

/// Shares one kind of data (CURL_LOCK_DATA_…) between the easy handles of one thread.
static inline CURLSHcode ccurl_share(CURLSH *share, curl_lock_data kind) { return curl_share_setopt(share, CURLSHOPT_SHARE, kind); }

/// The bytes of an internet address in network order: 4, 16, or 0 for another family.
static inline int32_t ccurl_address_bytes(const struct sockaddr *address, uint8_t bytes[16]) {
    if (address->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return 4;
    }
    if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
        return 16;
    }
    return 0;
}

/// Opens the socket that libcurl asks for, closed on exec; -1 when the system refuses.
static inline int32_t ccurl_open_socket(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

#endif
