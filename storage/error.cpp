#include "storage/error.hpp"

#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>
#include <cerrno>
#include <cstring>

namespace et {

namespace {

constexpr const char* names[] = {
    "none",           "invalid_argument", "not_found",      "already_exists",
    "not_authorised", "rejected",         "over_quota",     "no_space",
    "io_error",       "corrupt",          "source_changed", "source_unreadable",
    "wrong_position", "medium_error",     "medium_full",    "write_protected",
    "no_medium",      "wrong_volume",     "device_error",   "slot_occupied",
    "newer_version",  "locked",           "limit_reached",  "timeout",
    "unavailable",    "protocol",         "cancelled",      "interrupted",
    "internal",       "unchanged",        "node lost"};

constexpr auto category = caf::detail::error_factory<errc>::category;

}  // namespace

const char* to_string(errc code) {
  auto index = static_cast<size_t>(code);
  return index < std::size(names) ? names[index] : "unknown";
}

caf::error fail(errc code, std::string text) {
  return caf::make_error(code, std::move(text));
}

caf::error fail_errno(std::string text, int errno_value, errc code) {
  if (errno_value == ENOSPC || errno_value == EDQUOT) code = errc::no_space;
  text += ": ";
  text += std::strerror(errno_value);
  return fail(code, std::move(text));
}

errc code_of(const caf::error& error) {
  if (!error) return errc::none;
  if (error.category() == category) return static_cast<errc>(error.code());
  if (error == caf::sec::request_timeout) return errc::timeout;
  if (error == caf::sec::request_receiver_down || error.category() == caf::atom("exit"))
    return errc::unavailable;
  return errc::internal;
}

std::string text_of(const caf::error& error) {
  if (!error) return "no error";
  if (error.category() == category) {
    const auto& context = error.context();
    if (context.match_elements<std::string>()) return context.get_as<std::string>(0);
    return to_string(static_cast<errc>(error.code()));
  }
  switch (code_of(error)) {
    case errc::timeout:
      return "no answer in time";
    case errc::unavailable:
      return "a part of the service has gone";
    default:
      return "framework error " + caf::to_string(error.category()) + " " +
             std::to_string(error.code());
  }
}

caf::error with_context(const caf::error& error, std::string_view context) {
  return fail(code_of(error), std::string{context} + ": " + text_of(error));
}

}  // namespace et
