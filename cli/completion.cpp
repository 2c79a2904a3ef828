#include "cli/completion.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "cli/command_app.hpp"
#include "cli/command_help.hpp"
#include "cli/output.hpp"

namespace et {

namespace {

// What the words for values in command definitions mean.
struct value_kind {
  std::string_view value;
  wanted_kind what;
};
constexpr value_kind value_kinds[] = {
    {"BATCH", wanted_kind::batches},  {"WORKSPACE", wanted_kind::workspaces},
    {"DIR", wanted_kind::folders},    {"DIR...", wanted_kind::folders},
    {"FILE", wanted_kind::files},     {"LISTFILE", wanted_kind::files},
    {"FILELIST", wanted_kind::files}, {"LOGFILE", wanted_kind::files},
    {"IMAGE", wanted_kind::files},
};

// A word as the command will get it, as far as quotes and backslashes go.
std::string unquoted(const std::string& word) {
  std::string text;
  char quote = 0;
  for (size_t i = 0; i < word.size(); ++i) {
    char c = word[i];
    if (c == '\\' && quote != '\'') {
      if (i + 1 < word.size()) text += word[++i];
    } else if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote != 0 ? '\0' : c;
    } else {
      text += c;
    }
  }
  return text;
}

// Goes over the words before the cursor as the parser would.
class line_walk {
 public:
  explicit line_walk(const CLI::App& app) { enter(app); }

  void take(const std::string& word) {
    if (word == "=" && equals_may_follow_) {
      equals_may_follow_ = false;
      return;
    }
    equals_may_follow_ = false;
    bool is_option = !only_arguments_ && word.size() > 1 && word[0] == '-';
    if (pending_ != nullptr && !(pending_->many && is_option)) {
      give(*pending_, word);
      if (!pending_->many) pending_ = nullptr;
    } else if (is_option) {
      pending_ = nullptr;
      take_option(word);
    } else if (const auto* sub = only_arguments_ ? nullptr : subcommand(word)) {
      enter(*sub);
    } else {
      ++arguments_;
    }
  }

  completion_place at(const std::string& word) const {
    completion_place place;
    place.workspace = given("--workspace");
    place.server = given("--server");
    place.state = given("--state");
    place.begun = word == "=" && equals_may_follow_ ? std::string{} : word;
    bool is_option = !only_arguments_ && !word.empty() && word[0] == '-';
    auto equals = word.find('=');
    if (pending_ != nullptr && !(pending_->many && is_option)) {
      offer_value(*pending_, place);
    } else if (is_option && word.rfind("--", 0) == 0 && equals != std::string::npos) {
      place.begun = word.substr(equals + 1);
      if (const auto* option = find(word.substr(0, equals))) offer_value(*option, place);
    } else if (is_option) {
      offer_options(place);
    } else {
      offer_arguments(place);
    }
    return place;
  }

 private:
  void enter(const CLI::App& app) {
    app_ = &app;
    options_ = options_of(app);
    arguments_ = 0;
  }

  const CLI::App* subcommand(const std::string& word) const {
    for (const auto* sub : visible_subcommands(*app_)) {
      if (sub->check_name(word)) return sub;
    }
    return nullptr;
  }

  const option_words* find(std::string_view name) const {
    for (const auto& one : options_) {
      if (one.has_name(name)) return &one;
    }
    return nullptr;
  }

  void give(const option_words& option, const std::string& value) {
    for (const auto& name : option.names) given_[name] = value;
  }

  std::string given(const std::string& name) const {
    auto found = given_.find(name);
    return found == given_.end() ? std::string{} : found->second;
  }

  void expect(const option_words* option, bool may_have_equals) {
    give(*option, {});
    if (option->value.empty()) return;
    pending_ = option;
    equals_may_follow_ = may_have_equals;
  }

  void take_option(const std::string& word) {
    if (word == "--") {
      only_arguments_ = true;
    } else if (word[1] == '-') {
      auto equals = std::min(word.find('='), word.size());
      const auto* option = find(word.substr(0, equals));
      if (option == nullptr) return;
      if (equals == word.size()) return expect(option, true);
      give(*option, word.substr(equals + 1));
    } else {
      take_short(word);
    }
  }

  // `-vw` before its value, or `-wVALUE`.
  void take_short(const std::string& word) {
    for (size_t i = 1; i < word.size(); ++i) {
      const auto* option = find(std::string{'-', word[i]});
      if (option == nullptr) return;
      if (i + 1 == word.size()) return expect(option, false);
      give(*option, option->value.empty() ? std::string{} : word.substr(i + 1));
      if (!option->value.empty()) return;
    }
  }

  static void offer(const std::string& word, const std::string& about, completion_place& place) {
    if (word.rfind(place.begun, 0) == 0) place.words.push_back({word, about});
  }

  static void offer_value(const option_words& option, completion_place& place) {
    for (const auto& choice : option.choices) offer(choice, {}, place);
    for (const auto& kind : value_kinds) {
      if (option.value == kind.value) place.what = kind.what;
    }
  }

  // The long name of each that does not stand there yet; the short one when it is typed out.
  void offer_options(completion_place& place) const {
    for (const auto& option : options_) {
      if (option.is_argument()) continue;
      bool is_typed = option.has_name(place.begun);
      if (is_typed) {
        offer(place.begun, option.help, place);
      } else if (option.many || given_.count(option.names.back()) == 0) {
        offer(option.names.back(), option.help, place);
      }
    }
  }

  void offer_arguments(completion_place& place) const {
    auto subs = visible_subcommands(*app_);
    for (const auto* sub : subs) offer(sub->get_name(), sub->get_description(), place);
    size_t skipped = arguments_;
    for (const auto& option : options_) {
      if (!option.is_argument()) continue;
      if (skipped == 0 || option.many) return offer_value(option, place);
      --skipped;
    }
    if (subs.empty() && place.begun.empty()) offer_options(place);
  }

  const CLI::App* app_ = nullptr;
  std::vector<option_words> options_;
  std::map<std::string, std::string> given_;
  const option_words* pending_ = nullptr;
  bool equals_may_follow_ = false;
  bool only_arguments_ = false;
  size_t arguments_ = 0;
};

}  // namespace

completion_place find_place(const std::vector<std::string>& words, size_t current) {
  if (words.empty() || current == 0 || current > words.size()) return {};
  command_line line;
  auto app = make_command_app(program_name(unquoted(words[0])), line);
  line_walk walk{*app};
  for (size_t i = 1; i < current; ++i) walk.take(unquoted(words[i]));
  return walk.at(current < words.size() ? unquoted(words[current]) : std::string{});
}

std::vector<candidate> workspace_candidates(service_api& service, const std::string& begun) {
  std::vector<candidate> all;
  auto found = service.list_workspaces({});
  if (!found) return all;
  for (const auto& one : *found) {
    if (one.name.rfind(begun, 0) != 0) continue;
    all.push_back({one.name, human_bytes(one.used_bytes) + " of " + human_bytes(one.quota_bytes)});
  }
  return all;
}

std::vector<candidate> batch_candidates(service_api& service, const std::string& workspace,
                                        const std::string& begun) {
  // The service lists them oldest first.
  std::deque<candidate> newest;
  batch_id after;
  for (;;) {
    auto page = service.list_batches(workspace, after);
    if (!page || page->empty()) break;
    for (const auto& one : *page) {
      auto id = std::to_string(one.id.value);
      if (id.rfind(begun, 0) != 0) continue;
      std::string about = one.tag.empty() ? "" : one.tag + ", ";
      about += std::string{to_string(one.state)} + ", " + std::to_string(one.files);
      about += one.files == 1 ? " file" : " files";
      newest.push_front({id, about});
      if (newest.size() > max_offered_batches) newest.pop_back();
    }
    after = page->back().id;
  }
  return {newest.begin(), newest.end()};
}

}  // namespace et
