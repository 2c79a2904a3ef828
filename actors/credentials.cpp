#include "actors/credentials.hpp"

#include <array>

#include "storage/auth/token.hpp"

namespace et {

namespace {

constexpr std::string_view opening = "ELASTICTAPE 1 ";

struct kind_name {
  credential::kind how;
  std::string_view word;
};
constexpr std::array kind_names{kind_name{credential::kind::token, "token "},
                                kind_name{credential::kind::munge, "munge "},
                                kind_name{credential::kind::ticket, "ticket "}};

/// How far the clock of another host may be ahead of ours, and the longest life of a credential,
/// whatever its maker asked for: as munged has them.
constexpr int64_t max_ahead_ns = 300ll * 1'000'000'000;
constexpr int64_t max_munge_life_ns = 3600ll * 1'000'000'000;

}  // namespace

caf::expected<credential> parse_credential(std::string_view line) {
  auto bad = [] { return fail(errc::protocol, "this is not a line with a credential"); };
  if (line.size() > max_credential_bytes || !line.starts_with(opening)) return bad();
  line.remove_prefix(opening.size());
  for (auto [how, word] : kind_names) {
    if (!line.starts_with(word)) continue;
    auto text = line.substr(word.size());
    auto printable = [](char c) { return c > ' ' && c <= '~'; };
    if (text.empty() || !std::all_of(text.begin(), text.end(), printable)) return bad();
    return credential{how, std::string{text}};
  }
  return bad();
}

std::string credential_line(const credential& what) {
  std::string line{opening};
  for (auto [how, word] : kind_names)
    if (how == what.how) line += word;
  return line + what.text + '\n';
}

caf::expected<proven_identity> credential_checker::check(const credential& what) {
  switch (what.how) {
    case credential::kind::token:
      return check_token(what.text);
    case credential::kind::munge:
      return check_munge(what.text);
    default:
      return fail(errc::not_authorised, "tickets are not taken here");
  }
}

bool credential_checker::still_good(const std::string& token_hash) {
  auto found = options_.find_token(token_hash);
  // Not being able to look is no reason to end what has been let in.
  return !found || (*found && !(*found)->is_expired(options_.clock->now_ns()));
}

proven_identity credential_checker::identity_of(os_user user, const std::string& how) const {
  proven_identity proven;
  bool administrator = options_.administrators.includes(user.uid, user.name);
  proven.who = {user.uid, user.gid, std::move(user.groups), user.name, administrator, {}, how};
  return proven;
}

caf::expected<proven_identity> credential_checker::check_token(const std::string& text) {
  if (!is_token(text)) return fail(errc::not_authorised, "this has not the form of a token");
  auto hash = token_hash(text);
  auto found = options_.find_token(hash);
  if (!found) return found.error();
  if (!*found) return fail(errc::not_authorised, "there is no such token");
  auto& token = **found;
  auto name = "token " + std::to_string(token.id);
  if (token.is_expired(options_.clock->now_ns()))
    return fail(errc::not_authorised, name + " of " + token.user + " has expired");
  auto user = options_.find_user(token.user);
  if (!user)
    return fail(errc::not_authorised, name + " is of " + token.user + ": " + text_of(user.error()));
  auto proven = identity_of(std::move(*user), name);
  proven.expires_ns = token.expires_ns;
  proven.token_hash = hash;
  proven.who.workspace = token.workspace;
  // Whoever gives a token for one workspace away does not mean to give everything away.
  if (!token.workspace.empty()) proven.who.administrator = false;
  return proven;
}

caf::expected<proven_identity> credential_checker::check_munge(const std::string& text) {
  if (!options_.munge) return fail(errc::not_authorised, "MUNGE credentials are not taken here");
  auto found = options_.munge->decode(text);
  if (!found) return found.error();
  auto now_ns = options_.clock->now_ns();
  auto life_ns = std::min(found->lifetime_ns, max_munge_life_ns);
  auto user_text = " of uid " + std::to_string(found->uid);
  if (found->made_ns > now_ns + max_ahead_ns)
    return fail(errc::not_authorised,
                "the MUNGE credential" + user_text + " is from the future; are the clocks right?");
  if (found->made_ns + life_ns <= now_ns)
    return fail(errc::not_authorised,
                "the MUNGE credential" + user_text + " has expired; are the clocks right?");
  if (found->payload != munge_payload)
    return fail(errc::not_authorised,
                "the MUNGE credential" + user_text + " was made for another purpose");
  if (auto error = remember(token_hash(text), found->made_ns + life_ns)) return error;
  auto user = options_.find_uid(found->uid);
  if (!user) return fail(errc::not_authorised, text_of(user.error()));
  return identity_of(std::move(*user), "munge");
}

caf::error credential_checker::remember(const std::string& hash, int64_t until_ns) {
  std::lock_guard lock{mutex_};
  auto now_ns = options_.clock->now_ns();
  if (auto known = seen_.find(hash); known != seen_.end() && known->second > now_ns)
    return fail(errc::not_authorised, "the MUNGE credential has been used before");
  if (seen_.size() >= options_.max_seen)
    std::erase_if(seen_, [&](const auto& one) { return one.second <= now_ns; });
  if (seen_.size() >= options_.max_seen)
    return fail(errc::limit_reached, "too many MUNGE credentials at once; try again later");
  seen_[hash] = until_ns;
  return caf::none;
}

}  // namespace et
