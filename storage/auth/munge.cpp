#include "storage/auth/munge.hpp"

#include <munge.h>

#include <cstdlib>

namespace et {

namespace {

constexpr int64_t second_ns = 1'000'000'000;

struct context_deleter {
  void operator()(munge_ctx* context) const { munge_ctx_destroy(context); }
};
using context_ptr = std::unique_ptr<munge_ctx, context_deleter>;

struct memory_deleter {
  void operator()(void* memory) const { std::free(memory); }
};

class library_daemon : public munge_daemon {
 public:
  explicit library_daemon(std::string socket) : socket_(std::move(socket)) {}

  caf::expected<munge_credential> decode(const std::string& text) override {
    auto context = begin();
    if (!context) return no_daemon(EMUNGE_NO_MEMORY, nullptr);
    void* payload = nullptr;
    int payload_bytes = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    auto result = munge_decode(text.c_str(), context.get(), &payload, &payload_bytes, &uid, &gid);
    std::unique_ptr<void, memory_deleter> owned{payload};
    if (result != EMUNGE_SUCCESS) return refusal(result, context.get());
    munge_credential found;
    found.uid = uid;
    time_t made = 0;
    int lifetime_s = 0;
    munge_ctx_get(context.get(), MUNGE_OPT_ENCODE_TIME, &made);
    munge_ctx_get(context.get(), MUNGE_OPT_TTL, &lifetime_s);
    found.made_ns = int64_t{made} * second_ns;
    found.lifetime_ns = lifetime_s * second_ns;
    if (payload_bytes > 0)
      found.payload.assign(static_cast<const char*>(payload), static_cast<size_t>(payload_bytes));
    return found;
  }

  caf::expected<std::string> encode() override {
    auto context = begin();
    char* text = nullptr;
    auto result = context ? munge_encode(&text, context.get(), munge_payload.data(),
                                         static_cast<int>(munge_payload.size()))
                          : EMUNGE_NO_MEMORY;
    std::unique_ptr<char, memory_deleter> owned{text};
    if (result != EMUNGE_SUCCESS) return no_daemon(result, context.get());
    return std::string{text};
  }

 private:
  context_ptr begin() {
    context_ptr made{munge_ctx_create()};
    if (made && !socket_.empty()) munge_ctx_set(made.get(), MUNGE_OPT_SOCKET, socket_.c_str());
    return made;
  }

  static std::string reason_of(munge_err_t result, munge_ctx* context) {
    const char* text = context ? munge_ctx_strerror(context) : nullptr;
    return text ? text : munge_strerror(result);
  }

  static caf::error no_daemon(munge_err_t result, munge_ctx* context) {
    return fail(errc::unavailable,
                "MUNGE cannot be asked: " + reason_of(result, context) + "; is munged running?");
  }

  static caf::error refusal(munge_err_t result, munge_ctx* context) {
    switch (result) {
      case EMUNGE_CRED_EXPIRED:
        return fail(errc::not_authorised,
                    "the MUNGE credential has expired; are the clocks right?");
      case EMUNGE_CRED_REWOUND:
        return fail(errc::not_authorised,
                    "the MUNGE credential is from the future; are the clocks right?");
      case EMUNGE_CRED_REPLAYED:
        return fail(errc::not_authorised, "the MUNGE credential has been used before");
      case EMUNGE_SOCKET:
      case EMUNGE_TIMEOUT:
      case EMUNGE_NO_MEMORY:
        return no_daemon(result, context);
      default:
        return fail(errc::not_authorised,
                    "the MUNGE credential is not good: " + reason_of(result, context));
    }
  }

  std::string socket_;
};

}  // namespace

std::unique_ptr<munge_daemon> make_munge_daemon(std::string socket) {
  return std::make_unique<library_daemon>(std::move(socket));
}

}  // namespace et
