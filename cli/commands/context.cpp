#include "cli/commands/context.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace et {

namespace {

std::string shell_word(const std::string& word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (char c : word) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

}  // namespace

int exit_code_of(const caf::error& error) {
  switch (code_of(error)) {
    case errc::not_authorised:
      return exit_refused;
    case errc::interrupted:
    case errc::cancelled:
      return exit_interrupted;
    default:
      return exit_parameters;
  }
}

int end_with(command_context& context, const caf::error& error) {
  context.report.error(printable(text_of(error)));
  return exit_code_of(error);
}

std::string repeated(const command_context& context, const std::vector<std::string>& extra) {
  const auto& words = context.arguments;
  // `elastictape put` are two words, `et_put` one.
  auto name_words =
      static_cast<size_t>(std::count(context.program.begin(), context.program.end(), ' ')) + 1;
  name_words = std::min(name_words, words.size());
  std::string text;
  auto add = [&](const std::string& word) {
    if (!text.empty()) text += ' ';
    text += shell_word(word);
  };
  for (size_t i = 0; i < name_words; ++i) add(words[i]);
  bool there = extra.empty() || std::any_of(words.begin(), words.end(), [&](const auto& word) {
                 return word == extra.front() || word.starts_with(extra.front() + "=");
               });
  if (!there)
    for (const auto& word : extra) add(word);
  for (size_t i = name_words; i < words.size(); ++i) add(words[i]);
  return text;
}

int finish_output(command_context& context, int code) {
  if (context.out.flush()) return code;
  // A reader that had enough (head, grep -q) is no error worth a word.
  int error = context.out.failed_errno();
  if (error != EPIPE) {
    context.report.error(std::string{"cannot write standard output: "} + std::strerror(error));
  }
  return exit_interrupted;
}

}  // namespace et
