#include "actors/alert_delivery.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "storage/catalogue/alert_text.hpp"

namespace et {

namespace {

/// Bytes of the first words in a subject.
constexpr size_t subject_words_bytes = 60;
/// Bytes that one encoded word takes: base64 of it, its frame and `Subject: ` stay below 76.
constexpr size_t encoded_word_bytes = 39;
/// Bytes in a line of base64 in a body.
constexpr size_t body_line_bytes = 57;

std::string base64(std::string_view data) {
  std::string out(4 * ((data.size() + 2) / 3) + 1, '\0');
  auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                              reinterpret_cast<const unsigned char*>(data.data()),
                              static_cast<int>(data.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

/// At most `limit` bytes of UTF-8 text, not ending within a character.
std::string_view cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  auto is_inner = [&](size_t i) { return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80; };
  while (limit > 0 && is_inner(limit)) --limit;
  return text.substr(0, limit);
}

std::string utc(int64_t time_ns, const char* format) {
  auto seconds = static_cast<time_t>(time_ns / 1'000'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

std::string workspace_of(const alert_record& alert) {
  return alert.workspace.empty() ? "service" : printable(alert.workspace);
}

std::string subject_of(const std::vector<alert_record>& alerts) {
  auto worst = alerts.front();
  auto workspace = workspace_of(worst);
  for (auto& alert : alerts) {
    if (alert.level > worst.level) worst = alert;
    if (workspace_of(alert) != workspace) workspace = "several";
  }
  auto text = printable(worst.text);
  auto words = cut(text, subject_words_bytes);
  auto subject = std::string{"[elastictape] "} + to_string(worst.level) + " " + workspace + ": " +
                 std::string{words};
  if (words.size() < text.size()) subject += " ...";
  if (alerts.size() > 1) subject += " (and " + std::to_string(alerts.size() - 1) + " more)";
  return subject;
}

/// The same for the same alerts and target, so that a mail sent twice can be seen to be one.
std::string message_id(const alert_target& target, const std::vector<alert_record>& alerts) {
  auto digest = signature_of(target.name, target.node).substr(0, 16);
  auto first = alerts.front().number;
  auto last = alerts.back().number;
  return "<alert." + std::to_string(first) + (first == last ? "" : "-" + std::to_string(last)) +
         "." + digest + "@elastictape.invalid>";
}

std::string body_of(const alert_target& target, const std::vector<alert_record>& alerts) {
  std::string body;
  for (auto& alert : alerts)
    body += std::to_string(alert.number) + "  " + local_time(alert.time_ns) + "  " +
            to_string(alert.level) + "  " + workspace_of(alert) + "\r\n    " +
            printable(alert.text) + "\r\n\r\n";
  return body + "-- \r\nElastic Tape on " + printable(target.node) + "\r\n";
}

}  // namespace

bool alert_target::wants(const alert_record& alert) const {
  if (alert.level < least) return false;
  return std::any_of(workspaces.begin(), workspaces.end(), [&](const std::string& one) {
    return one == "*" || one == alert.workspace;
  });
}

std::chrono::milliseconds retry_schedule::failed() {
  auto wait = first_;
  for (uint64_t i = 0; i < failures_ && wait < most_; ++i) wait *= 2;
  ++failures_;
  wait = std::min(wait, most_);
  auto part = 0.5 + 0.5 * random_();
  return std::chrono::milliseconds{static_cast<int64_t>(static_cast<double>(wait.count()) * part)};
}

std::string signature_of(std::string_view secret, std::string_view body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest, &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr auto* digits = "0123456789abcdef";
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

std::string webhook_body(const alert_target& target, const alert_record& alert) {
  nlohmann::ordered_json body{{"number", alert.number},
                              {"time", utc(alert.time_ns, "%Y-%m-%dT%H:%M:%SZ")},
                              {"severity", to_string(alert.level)},
                              {"workspace", alert.workspace},
                              {"batch", alert.batch.value},
                              {"text", alert.text},
                              {"node", target.node}};
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string mail_header(std::string_view text) {
  bool plain = text.find("=?") == std::string_view::npos &&
               std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (plain) return std::string{text};
  std::string out;
  while (!text.empty()) {
    auto word = cut(text, encoded_word_bytes);
    // Bytes that are no UTF-8 may have nothing to cut at.
    if (word.empty()) word = text.substr(0, encoded_word_bytes);
    out += (out.empty() ? "" : "\r\n ") + ("=?UTF-8?B?" + base64(word) + "?=");
    text.remove_prefix(word.size());
  }
  return out;
}

std::string mail_text(const alert_target& target, const std::vector<alert_record>& alerts) {
  std::string mail = "From: " + target.from + "\r\nTo: ";
  for (size_t i = 0; i < target.to.size(); ++i) mail += (i == 0 ? "" : ",\r\n ") + target.to[i];
  mail += "\r\nSubject: " + mail_header(subject_of(alerts));
  mail += "\r\nDate: " + utc(alerts.back().time_ns, "%a, %d %b %Y %H:%M:%S +0000");
  mail += "\r\nMessage-ID: " + message_id(target, alerts);
  mail +=
      "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  auto body = body_of(target, alerts);
  for (size_t i = 0; i < body.size(); i += body_line_bytes)
    mail += base64(std::string_view{body}.substr(i, body_line_bytes)) + "\r\n";
  return mail;
}

std::string address_fault(std::string_view address) {
  auto at = address.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == address.size())
    return "must be an address as name@host";
  constexpr std::string_view never = "<>,;:\"()[]\\ ";
  for (char c : address)
    if (c <= ' ' || c > '~' || never.find(c) != std::string_view::npos)
      return "must be a plain address without names, brackets or spaces";
  return {};
}

}  // namespace et
