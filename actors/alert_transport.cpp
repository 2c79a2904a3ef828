#include "actors/alert_transport.hpp"

#include <curl/curl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "storage/printable.hpp"

namespace et {

namespace {

/// Alerts in one mail.
constexpr size_t digest_alerts = 50;

size_t discard(char*, size_t size, size_t count, void*) {
  return size * count;
}

/// curl asks at least once a second whether to go on.
int check_stop(void* stopping, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stopping)->load() ? 1 : 0;
}

struct upload {
  std::string_view left;
};

size_t give(char* to, size_t size, size_t count, void* from) {
  auto& left = static_cast<upload*>(from)->left;
  auto given = std::min(left.size(), size * count);
  std::memcpy(to, left.data(), given);
  left.remove_prefix(given);
  return given;
}

class string_list {
 public:
  ~string_list() { curl_slist_free_all(list_); }
  string_list() = default;
  string_list(const string_list&) = delete;
  string_list& operator=(const string_list&) = delete;
  void add(const std::string& text) {
    if (auto* longer = curl_slist_append(list_, text.c_str())) list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

/// One transfer, with its time-outs.
class transfer {
 public:
  transfer(const std::string& url, const char* protocols, const transport_limits& limits) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    handle_.reset(curl_easy_init());
    if (!handle_) return;
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, protocols);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, message_);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.whole.count()));
    set(CURLOPT_WRITEFUNCTION, &discard);
    if (!limits.stopping) return;
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFODATA, limits.stopping);
    set(CURLOPT_XFERINFOFUNCTION, &check_stop);
  }

  template <class T>
  void set(CURLoption option, T value) {
    if (handle_) curl_easy_setopt(handle_.get(), option, value);
  }
  /// Why it failed; empty: it did not.
  std::string perform() {
    if (!handle_) return "no memory for a transfer";
    auto code = curl_easy_perform(handle_.get());
    if (code == CURLE_OK) return {};
    return message_[0] != '\0' ? message_ : curl_easy_strerror(code);
  }
  long status() const {
    long code = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

 private:
  struct cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  std::unique_ptr<CURL, cleanup> handle_;
  char message_[CURL_ERROR_SIZE] = {};
};

class webhook_transport final : public alert_transport {
 public:
  webhook_transport(const alert_target& target, const transport_limits& limits)
      : target_(target), limits_(limits) {}

  size_t most() const override { return 1; }

  delivery_result deliver(const std::vector<alert_record>& alerts) override {
    auto& alert = alerts.front();
    auto body = webhook_body(target_, alert);
    string_list headers;
    headers.add("Content-Type: application/json");
    headers.add("User-Agent: elastictape");
    headers.add("Expect:");
    headers.add("Elastictape-Delivery: " + std::to_string(alert.number));
    if (!target_.secret.empty())
      headers.add("Elastictape-Signature: sha256=" + signature_of(target_.secret, body));
    transfer post{target_.url, "http,https", limits_};
    post.set(CURLOPT_HTTPHEADER, headers.get());
    post.set(CURLOPT_POSTFIELDS, body.data());
    post.set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    if (auto why = post.perform(); !why.empty()) return {delivery_result::kind_type::failed, why};
    auto status = post.status();
    if (status >= 200 && status < 300) return {delivery_result::kind_type::delivered, {}};
    return {status == 410 ? delivery_result::kind_type::gone : delivery_result::kind_type::failed,
            "it answered with status " + std::to_string(status)};
  }

 private:
  alert_target target_;
  transport_limits limits_;
};

/// What a mail server says of each address, line by line as curl shows the conversation.
class recipient_watch {
 public:
  void watch(transfer& mail) {
    mail.set(CURLOPT_VERBOSE, 1L);
    mail.set(CURLOPT_DEBUGDATA, this);
    mail.set(CURLOPT_DEBUGFUNCTION, &recipient_watch::hear);
  }
  /// The addresses that were refused, with the server's words.
  const std::vector<std::string>& refused() const { return refused_; }

 private:
  static int hear(CURL*, curl_infotype kind, char* text, size_t size, void* watch) {
    auto& self = *static_cast<recipient_watch*>(watch);
    std::string_view line{text, size};
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (kind == CURLINFO_HEADER_OUT) {
      bool asked = line.starts_with("RCPT TO:");
      self.asked_ = asked ? line.substr(8) : std::string_view{};
    } else if (kind == CURLINFO_HEADER_IN && !self.asked_.empty()) {
      if (line.starts_with('4') || line.starts_with('5'))
        self.refused_.push_back(self.asked_ + ": " + std::string{line});
      self.asked_.clear();
    }
    return 0;
  }

  std::string asked_;  ///< the address whose answer comes next
  std::vector<std::string> refused_;
};

class mail_transport final : public alert_transport {
 public:
  mail_transport(const alert_target& target, const transport_limits& limits)
      : target_(target), limits_(limits) {}

  size_t most() const override { return digest_alerts; }

  delivery_result deliver(const std::vector<alert_record>& alerts) override {
    auto text = mail_text(target_, alerts);
    upload source{text};
    string_list recipients;
    for (auto& one : target_.to) recipients.add("<" + one + ">");
    auto from = "<" + target_.from + ">";
    transfer mail{target_.url, "smtp,smtps", limits_};
    mail.set(CURLOPT_MAIL_FROM, from.c_str());
    mail.set(CURLOPT_MAIL_RCPT, recipients.get());
    // One address that is refused does not keep the others from theirs.
    mail.set(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    mail.set(CURLOPT_UPLOAD, 1L);
    mail.set(CURLOPT_READFUNCTION, &give);
    mail.set(CURLOPT_READDATA, &source);
    mail.set(CURLOPT_USE_SSL, encryption());
    if (!target_.user.empty()) {
      mail.set(CURLOPT_USERNAME, target_.user.c_str());
      mail.set(CURLOPT_PASSWORD, target_.password.c_str());
    }
    recipient_watch watch;
    watch.watch(mail);
    if (auto why = mail.perform(); !why.empty()) return {delivery_result::kind_type::failed, why};
    for (auto& one : watch.refused())
      spdlog::error("alerts to {}: the mail server refuses {}", target_.name, printable(one));
    delivery_result result{delivery_result::kind_type::delivered, {}};
    if (!watch.refused().empty())
      result.why = std::to_string(watch.refused().size()) +
                   " addresses refused, the first: " + printable(watch.refused().front());
    return result;
  }

 private:
  /// A password is never sent in the clear unless the configuration says so.
  long encryption() const {
    using tls = alert_target::tls_type;
    if (target_.tls == tls::off) return CURLUSESSL_NONE;
    return target_.tls == tls::required || !target_.user.empty() ? CURLUSESSL_ALL : CURLUSESSL_TRY;
  }

  alert_target target_;
  transport_limits limits_;
};

}  // namespace

std::unique_ptr<alert_transport> make_transport(const alert_target& target,
                                                const transport_limits& limits) {
  if (target.kind == alert_target::kind_type::mail)
    return std::make_unique<mail_transport>(target, limits);
  return std::make_unique<webhook_transport>(target, limits);
}

}  // namespace et
