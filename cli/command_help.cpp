#include "cli/command_help.hpp"

#include <algorithm>

#include "cli/command_definitions.hpp"
#include "cli/manual_texts.hpp"

namespace et {

namespace {

constexpr size_t help_width = 80;

// The library keeps the fixed choices of an option as `{a,b}` behind its value's name.
std::vector<std::string> choices_of(const std::string& type) {
  std::vector<std::string> choices;
  auto open = type.find('{');
  if (open == std::string::npos || type.back() != '}') return choices;
  auto all = type.substr(open + 1, type.size() - open - 2);
  for (size_t at = 0; at <= all.size();) {
    auto comma = std::min(all.find(',', at), all.size());
    choices.push_back(all.substr(at, comma - at));
    at = comma + 1;
  }
  return choices;
}

option_words words_of(const CLI::Option& option) {
  option_words words;
  words.option = &option;
  auto type = option.get_type_name();
  words.choices = choices_of(type);
  words.help = option.get_description();
  words.required = option.get_required();
  if (option.get_positional()) {
    words.value = option.get_name(true);
    words.many = option.get_expected_max() > 1;
    return words;
  }
  for (const auto& name : option.get_snames()) words.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) words.names.push_back("--" + name);
  if (option.get_items_expected_max() == 0) return words;
  words.value = type.substr(0, type.find(":{"));
  words.many = option.get_expected_max() > 1;
  return words;
}

std::string text_of_alternative(const option_words& words) {
  if (words.is_argument()) return words.value + (words.many ? "..." : "");
  return words.short_form() + (words.value.empty() ? "" : " " + words.value);
}

std::string text_of_part(const synopsis_part& part) {
  std::string text;
  for (const auto& one : part.alternatives) {
    if (!text.empty()) text += " | ";
    text += text_of_alternative(one);
  }
  if (!part.required) return "[" + text + "]";
  return part.alternatives.size() > 1 ? "(" + text + ")" : text;
}

class help_form : public CLI::Formatter {
 public:
  help_form() { label("Positionals", "Arguments"); }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    auto begin = "Usage: " + name;
    std::vector<std::string> words;
    for (const auto& part : synopsis_of(*app)) words.push_back(text_of_part(part));
    if (!visible_subcommands(*app).empty()) words.emplace_back("SUBCOMMAND ...");
    std::string text = begin;
    auto column = begin.size();
    auto indent = std::min(begin.size() + 1, help_width / 2);
    for (const auto& word : words) {
      if (column + 1 + word.size() > help_width) {
        text += '\n' + std::string(indent, ' ') + word;
        column = indent + word.size();
      } else {
        text += ' ' + word;
        column += 1 + word.size();
      }
    }
    return text + '\n';
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    auto words = words_of(*option);
    std::string text;
    if (!words.is_argument() && !words.value.empty()) text = " " + words.value;
    return words.required ? text + " REQUIRED" : text;
  }
};

std::string without_marks(std::string_view text) {
  std::string plain;
  for (char c : text) {
    if (c != '`') plain += c;
  }
  return plain;
}

}  // namespace

bool option_words::has_name(std::string_view name) const {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::string& option_words::short_form() const {
  return names.empty() ? value : names.front();
}

std::vector<option_words> options_of(const CLI::App& app) {
  std::vector<option_words> all;
  for (const auto* option : app.get_options()) {
    if (!option->get_group().empty()) all.push_back(words_of(*option));
  }
  return all;
}

std::vector<const CLI::App*> visible_subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

std::string command_name(const CLI::App& app) {
  if (app.get_parent() == nullptr) {
    for (const auto& one : all_subcommands()) {
      if (one.alias != nullptr && app.get_name() == one.alias) return one.name;
    }
    return {};
  }
  auto above = command_name(*app.get_parent());
  return above.empty() ? app.get_name() : above + ' ' + app.get_name();
}

std::vector<synopsis_part> synopsis_of(const CLI::App& app) {
  std::vector<std::string> one_of;
  if (const auto* manual = find_manual(command_name(app))) one_of = manual->one_of;
  std::vector<synopsis_part> parts;
  synopsis_part chosen{{}, true};
  std::vector<synopsis_part> arguments;
  for (const auto& words : options_of(app)) {
    if (words.option == app.get_help_ptr() || words.option == app.get_version_ptr()) continue;
    bool is_one = std::find(one_of.begin(), one_of.end(), words.short_form()) != one_of.end();
    if (is_one) {
      chosen.alternatives.push_back(words);
    } else {
      (words.is_argument() ? arguments : parts).push_back({{words}, words.required});
    }
  }
  if (!chosen.alternatives.empty()) parts.push_back(chosen);
  parts.insert(parts.end(), arguments.begin(), arguments.end());
  return parts;
}

void use_help_form(CLI::App& app) {
  app.formatter(std::make_shared<help_form>());
  app.set_help_flag("-h,--help", "print this help");
}

std::string wrapped(std::string_view text, size_t width, size_t indent) {
  std::string out(indent, ' ');
  size_t column = indent;
  while (!text.empty()) {
    auto blank = std::min(text.find(' '), text.size());
    if (column > indent && column + 1 + blank > width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, blank);
    column += blank;
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return out;
}

std::string help_footer(std::string_view command) {
  const auto* manual = find_manual(command);
  if (manual == nullptr) return {};
  std::string_view description = manual->description;
  auto text =
      wrapped(without_marks(description.substr(0, description.find("\n\n"))), help_width, 0);
  if (!manual->examples.empty()) text += "\n\nExamples:";
  for (const auto& one : manual->examples) {
    text += "\n  " + one.term + '\n' + wrapped(without_marks(one.text), help_width, 6);
  }
  text += "\n\nExit status:";
  for (const auto& one : manual->exits) {
    text += "\n  " + std::to_string(one.code) + "  " + one.meaning;
  }
  return text;
}

}  // namespace et
