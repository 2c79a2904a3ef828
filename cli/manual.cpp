#include "cli/manual.hpp"

#include <algorithm>
#include <cctype>
#include <functional>

#include "actors/version.hpp"
#include "cli/command_app.hpp"
#include "cli/command_definitions.hpp"
#include "cli/command_help.hpp"
#include "cli/manual_texts.hpp"

namespace et {

namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string bold(std::string_view text) {
  return "\\fB" + roff_escaped(text, true) + "\\fR";
}

std::string italic(std::string_view text) {
  return "\\fI" + roff_escaped(text, true) + "\\fR";
}

// `put` is best known as et_put.
std::string page_name(const subcommand& one) {
  return one.alias != nullptr ? one.alias : std::string{"elastictape-"} + one.name;
}

// A help text as a sentence.
std::string sentence(std::string text) {
  if (text.empty()) return text;
  bool is_name = text.size() > 1 && std::isupper(static_cast<unsigned char>(text[1])) != 0;
  if (!is_name) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  if (text.back() != '.') text += '.';
  return text;
}

// Writes one page.
class page_writer {
 public:
  page_writer(const CLI::App& app, std::string title) : app_(app), title_(std::move(title)) {
    collect_values(app);
    manual_ = find_manual(command_name(app));
  }

  std::string write() {
    std::string upper = title_;
    for (auto& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    out_ = ".\\\" Made of the program's own definitions: elastictape manual.\n.TH " +
           roff_escaped(upper, true) + " 1 \"\" \"elastictape " + version_text +
           "\" \"Elastic Tape\"\n.SH NAME\n" + roff_escaped(title_, true) + " \\- " +
           roff_escaped(app_.get_description(), false) + '\n';
    synopsis();
    description();
    options();
    if (manual_ != nullptr) {
      for (const auto& one : manual_->sections) section(one);
      exits();
    }
    surroundings();
    examples();
    see_also();
    return std::move(out_);
  }

 private:
  void collect_values(const CLI::App& app) {
    for (const auto& words : options_of(app)) {
      if (!words.value.empty()) values_.push_back(words.value);
    }
    for (const auto* sub : visible_subcommands(app)) {
      if (!is_main()) collect_values(*sub);
    }
  }

  // Prose on a line of its own: `literal` bold, the words of values in italics.
  std::string prose(std::string_view text) const {
    std::string out;
    bool literal = false;
    while (!text.empty()) {
      auto mark = std::min(text.find('`'), text.size());
      out += literal ? bold(text.substr(0, mark)) : with_values(text.substr(0, mark));
      text.remove_prefix(std::min(mark + 1, text.size()));
      literal = !literal;
    }
    return out;
  }

  std::string with_values(std::string_view text) const {
    std::string out;
    size_t from = 0;
    for (size_t at = 0; at < text.size();) {
      size_t end = at;
      while (end < text.size() && is_word(text[end])) ++end;
      auto word = text.substr(at, end - at);
      if (std::find(values_.begin(), values_.end(), word) != values_.end()) {
        out += roff_escaped(text.substr(from, at - from), false) + italic(word);
        from = end;
      }
      at = std::max(end, at + 1);
    }
    return out + roff_escaped(text.substr(from), false);
  }

  void paragraphs(std::string_view text) {
    const char* begin = "";
    while (!text.empty()) {
      auto end = std::min(text.find("\n\n"), text.size());
      out_ += begin + prose(text.substr(0, end)) + '\n';
      text.remove_prefix(std::min(end + 2, text.size()));
      begin = ".PP\n";
    }
  }

  void item(const std::string& term, std::string_view text) {
    out_ += ".TP\n" + term + '\n' + prose(text) + '\n';
  }

  // "-w WORKSPACE" without a break in it.
  static std::string form(const option_words& words) {
    if (words.is_argument()) return italic(words.value) + (words.many ? "...\\&" : "");
    auto text = bold(words.short_form());
    if (words.value.empty()) return text;
    // The dots of `DIR...` would end a sentence.
    return text + "\\ " + italic(words.value) + (words.many ? "\\&" : "");
  }

  void synopsis_of_command(const CLI::App& app, const std::string& name) {
    out_ += ".SY " + roff_escaped(name, true) + '\n';
    for (const auto& part : synopsis_of(app)) {
      std::string text;
      for (const auto& one : part.alternatives) text += (text.empty() ? "" : "\\ |\\ ") + form(one);
      bool group = part.alternatives.size() > 1;
      out_ += (part.required ? (group ? "(" + text + ")" : text) : "[" + text + "]") + '\n';
    }
    out_ += ".YS\n";
  }

  // Calls `take` with each command below `app` that takes no further command, and its name.
  static void each_leaf(const CLI::App& app, const std::string& name,
                        const std::function<void(const CLI::App&, const std::string&)>& take) {
    auto subs = visible_subcommands(app);
    if (subs.empty()) take(app, name);
    for (const auto* sub : subs) each_leaf(*sub, name + ' ' + sub->get_name(), take);
  }

  std::string spoken_name() const {
    auto name = command_name(app_);
    return app_.get_parent() == nullptr ? app_.get_name() : "elastictape " + name;
  }

  bool is_main() const { return app_.get_parent() == nullptr && command_name(app_).empty(); }

  void synopsis() {
    out_ += ".SH SYNOPSIS\n";
    if (is_main()) {
      out_ += ".SY elastictape\n" + italic("COMMAND") + "\n[" + italic("ARGUMENT") +
              "...]\n.YS\n.SY elastictape\n" + bold("--help") + "\n.YS\n.SY elastictape\n" +
              bold("--version") + "\n.YS\n";
      return;
    }
    each_leaf(app_, spoken_name(), [this](const CLI::App& app, const std::string& name) {
      synopsis_of_command(app, "\"" + name + "\"");
    });
  }

  void description() {
    out_ += ".SH DESCRIPTION\n";
    paragraphs(manual_ != nullptr ? manual_->description : sentence(app_.get_description()));
    if (manual_ == nullptr && !app_.get_footer().empty()) {
      out_ += ".PP\n";
      paragraphs(app_.get_footer());
    }
    if (app_.get_parent() == nullptr && !is_main()) {
      out_ += ".PP\n" + bold("elastictape " + command_name(app_)) + " is the same command.\n";
    }
  }

  void option_items(const CLI::App& app, bool with_help) {
    auto all = options_of(app);
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.is_argument() && !b.is_argument();
    });
    for (const auto& words : all) {
      if (!with_help && words.option == app.get_help_ptr()) continue;
      std::string term;
      for (const auto& name : words.names) term += (term.empty() ? "" : ", ") + bold(name);
      if (!words.value.empty()) term += (term.empty() ? "" : " ") + italic(words.value);
      item(term, sentence(words.help) + (words.required ? " Required." : ""));
    }
  }

  void options() {
    out_ += ".SH OPTIONS\n";
    option_items(app_, true);
    auto subs = visible_subcommands(app_);
    if (subs.empty()) return;
    out_ += ".SH COMMANDS\n";
    if (is_main()) {
      for (const auto& one : all_subcommands()) {
        if (!one.hidden) item(bold(one.name) + alias_of(one), sentence(one.help));
      }
      return;
    }
    for (const auto* sub : subs) {
      each_leaf(*sub, sub->get_name(), [this](const CLI::App& app, const std::string& name) {
        out_ += ".SS " + roff_escaped(name, true) + '\n' + prose(sentence(app.get_description())) +
                '\n';
        option_items(app, false);
      });
    }
  }

  static std::string alias_of(const subcommand& one) {
    return one.alias != nullptr ? ", " + bold(one.alias) : std::string{};
  }

  void section(const manual_section& one) {
    out_ += ".SH " + roff_escaped(one.title, true) + '\n';
    paragraphs(one.text);
    for (const auto& line : one.items) item(bold(line.term), line.text);
  }

  void exits() {
    out_ += ".SH EXIT STATUS\n";
    for (const auto& one : manual_->exits) {
      item(bold(std::to_string(one.code)), sentence(one.meaning));
    }
  }

  bool any_option(const CLI::App& app, std::string_view name) const {
    for (const auto& words : options_of(app)) {
      if (words.has_name(name)) return true;
    }
    for (const auto* sub : visible_subcommands(app)) {
      if (any_option(*sub, name)) return true;
    }
    return false;
  }

  // Environment and files that come with options.
  void surroundings() {
    std::vector<manual_item> environment;
    std::vector<manual_item> files;
    if (any_option(app_, "--server")) {
      environment.push_back(
          {"ELASTICTAPE_SERVER", "Address of the service when `--server` is not given."});
    }
    if (any_option(app_, "--state")) {
      environment.push_back({"ELASTICTAPE_STATE",
                             "State folder when `--state` is not given. Else it is "
                             "`/var/lib/elastictape` for root and `~/.local/state/elastictape` for "
                             "other users."});
    }
    if (any_option(app_, "--server")) {
      environment.push_back({"ELASTICTAPE_TOKEN_FILE",
                             "A file, mode 0600, with the token that says who we are to a service "
                             "on another machine."});
      environment.push_back({"ELASTICTAPE_CA",
                             "A file with the authority of the certificate of a service on another "
                             "machine."});
      environment.push_back(
          {"ELASTICTAPE_SYSTEM_CONFIG", "Another file instead of `/etc/et_config`."});
      files.push_back({"~/.et_config",
                       "The user's configuration (ini): under `[Server]` `Host` and `Port` of the service and, "
                       "when it is on another machine, `CA` (a file) or `Fingerprint` (SHA-256 of "
                       "its public key), `TokenFile`, or `Munge = yes`; `Workspace` under `[Batch]`, and `outputLevel`, the default of "
                       "`et_ls -L`, under `[DIRECTORY]`. Names in any case."});
      files.push_back({"/etc/et_config", "The same for all users; their own settings come first."});
    }
    if (manual_ != nullptr) {
      environment.insert(environment.end(), manual_->environment.begin(),
                         manual_->environment.end());
      files.insert(files.end(), manual_->files.begin(), manual_->files.end());
    }
    if (!environment.empty()) section({"ENVIRONMENT", "", environment});
    if (!files.empty()) section({"FILES", "", files});
  }

  void examples() {
    if (manual_ == nullptr || manual_->examples.empty()) return;
    out_ += ".SH EXAMPLES\n";
    const char* between = "";
    for (const auto& one : manual_->examples) {
      out_ += between + prose(one.text) + "\n.PP\n.RS 4\n.EX\n" + roff_escaped(one.term, true) +
              "\n.EE\n.RE\n";
      between = ".PP\n";
    }
  }

  void see_also() {
    out_ += ".SH SEE ALSO\n";
    std::string text;
    auto refer = [&](const std::string& name) {
      if (name != title_) text += (text.empty() ? "" : ",\n") + bold(name) + "(1)";
    };
    refer("elastictape");
    for (const auto& one : all_subcommands()) {
      if (!one.hidden) refer(page_name(one));
    }
    out_ += text + '\n';
  }

  const CLI::App& app_;
  std::string title_;
  const command_manual* manual_ = nullptr;
  std::vector<std::string> values_;
  std::string out_;
};

std::string page_of(const subcommand& one) {
  command_line line;
  if (one.alias != nullptr) {
    auto app = make_command_app(one.alias, line);
    return page_writer{*app, page_name(one)}.write();
  }
  auto app = make_command_app("elastictape", line);
  return page_writer{*app->get_subcommand(one.name), page_name(one)}.write();
}

std::string main_page() {
  command_line line;
  auto app = make_command_app("elastictape", line);
  return page_writer{*app, "elastictape"}.write();
}

}  // namespace

std::string roff_escaped(std::string_view text, bool literal) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool line_begin = i == 0 || text[i - 1] == '\n';
    if (line_begin && (c == '.' || c == '\'')) out += "\\&";
    bool in_word = i > 0 && i + 1 < text.size() && is_word(text[i - 1]) && is_word(text[i + 1]);
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += literal || !in_word ? "\\-" : "-";
        break;
      case '\'':
        out += literal ? "\\(aq" : "'";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<manual_page> all_manual_pages() {
  std::vector<manual_page> pages{{"elastictape", main_page()}};
  for (const auto& one : all_subcommands()) {
    if (one.hidden) continue;
    pages.push_back({page_name(one), page_of(one)});
    if (one.alias == nullptr) continue;
    pages.push_back(
        {std::string{"elastictape-"} + one.name, ".so man1/" + page_name(one) + ".1\n"});
  }
  return pages;
}

caf::expected<std::string> manual_page_of(const std::string& command) {
  if (command.empty() || command == "elastictape") return main_page();
  for (const auto& one : all_subcommands()) {
    bool named = command == one.name || (one.alias != nullptr && command == one.alias);
    if (named && !one.hidden) return page_of(one);
  }
  return fail(errc::not_found, "there is no command " + command);
}

}  // namespace et
