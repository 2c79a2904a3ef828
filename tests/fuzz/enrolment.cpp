// What a node without a certificate sends to a head, and what a head answers: lines with secrets
// and certificates, and the file in which a head keeps join tokens.
#include "actors/cluster/enrolment.hpp"

#include <fstream>

#include "storage/auth/token.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;
using namespace et::cluster;

namespace {

constexpr const char* joiner = "io1";

/// The same secrets in every run, so that inputs can name them.
class zeros final : public random_source {
 public:
  caf::error fill(std::span<uint8_t> to) override {
    std::fill(to.begin(), to.end(), uint8_t{0});
    return {};
  }
};

/// A head and a node that wants to join.
class cluster_in_memory {
 public:
  cluster_in_memory() : head(own_.path() / "head", &clock), node(own_.path() / "node", &clock) {
    certificates authority{own_.path() / "head", &clock};
    fuzz::require(!authority.make_authority("head1"), "an authority");
    fingerprint = *authority.authority_fingerprint();
    zeros random;
    token = *make_token(random);
    question = *renewal_question(node, joiner);
    answer = head.answer(question, joiner);
    fuzz::require(!take_answer(node, answer, fingerprint), "a node can join");
    add_token();
  }

  void add_token() {
    std::error_code ignored;
    std::filesystem::remove(tokens_file(), ignored);
    fuzz::require(!head.add_token(token.hash, clock.now_ns() + 1'000'000'000), "a join token");
  }
  std::filesystem::path tokens_file() const { return own_.path() / "head" / "join-tokens"; }

 private:
  fuzz::own_folder own_;

 public:
  manual_clock clock{1'800'000'000'000'000'000};
  enrolment head;
  certificates node;
  new_token token;
  std::string fingerprint;
  std::string question;
  std::string answer;
};

/// `text` with some bytes changed, or cut: each change is a place (two bytes) and a byte.
std::string changed(std::string text, fuzz::choices& input) {
  while (input.rest().size() >= 3 && !text.empty()) {
    size_t at = input.byte() << 8;
    at = (at | input.byte()) % text.size();
    auto byte = static_cast<char>(input.byte());
    if (byte == 0)
      text.resize(at);
    else
      text[at] = byte;
  }
  return text;
}

void ask(cluster_in_memory& all, const std::string& question, const std::string& shown) {
  auto answer = all.head.answer(question, shown);
  bool issued = answer.starts_with("ok ");
  fuzz::require(issued || answer.starts_with("no "), "a head says yes or no");
  fuzz::require(answer.find('\n') == std::string::npos, "an answer is one line");
  if (!issued) return;
  if (shown.empty()) {
    // A token is good once.
    fuzz::require(question.find(all.token.text) != std::string::npos, "it came with the token");
    fuzz::require(all.head.answer(question, shown).starts_with("no "), "a token is good once");
    all.add_token();
  }
}

void answered(cluster_in_memory& all, const std::string& answer) {
  auto error = take_answer(all.node, answer);
  auto own = all.node.own();
  fuzz::require(own && own->node == joiner, "a node keeps a certificate of its name");
  fuzz::require(*all.node.authority_fingerprint() == all.fingerprint,
                "a node believes whom it believed");
  if (!error) fuzz::require(answer.starts_with("ok "), "only a yes is taken");
}

void tokens(cluster_in_memory& all, std::string_view file) {
  std::ofstream{all.tokens_file(), std::ios::binary} << file;
  join_tokens kept{all.tokens_file()};
  if (kept.take(all.token.hash, all.clock.now_ns()))
    fuzz::require(!kept.take(all.token.hash, all.clock.now_ns()), "a token is taken once");
  [[maybe_unused]] auto error =
      kept.add(std::string(token_hash_bytes, 'x'), all.clock.now_ns() + 1, all.clock.now_ns());
  all.add_token();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static cluster_in_memory all;
  fuzz::choices input{data, size};
  auto choice = input.byte() % 7;
  std::string text{input.text()};
  switch (choice) {
    case 0:
      ask(all, text, {});
      break;
    case 1:
      ask(all, text, joiner);
      break;
    case 2:
      ask(all, changed(all.question, input), joiner);
      break;
    case 3:
      answered(all, text);
      break;
    case 4:
      answered(all, changed(all.answer, input));
      break;
    case 5:
      tokens(all, text);
      break;
    default:
      if (auto token = parse_join_token(text))
        fuzz::require(to_text(*token) == text, "a join token is written as it was");
      [[maybe_unused]] auto fingerprint = fingerprint_of_pem(text);
  }
  return 0;
}
