#include "tests/crash/clients.hpp"

#include <fcntl.h>

namespace et::crash {

using blackbox::child;
using blackbox::child_options;
using blackbox::file_end;

clients::clients(options how, trees& sources, ledger& told)
    : how_(std::move(how)),
      trees_(sources),
      told_(told),
      random_(how_.seed),
      next_tree_(how_.first_tree) {
  fs::create_directories(how_.folder);
}

void clients::mark(const std::string& text) {
  if (how_.mark) how_.mark(text);
  told_.note(text);
}

bool clients::used(uint64_t batch) const {
  for (const auto& one : slots_)
    if (one.process && one.batch == batch) return true;
  return false;
}

uint64_t clients::any_batch(bool safe) {
  std::vector<uint64_t> all;
  for (const auto& [id, batch] : told_.batches())
    if (batch.safe == safe && !batch.remove_asked && !used(id)) all.push_back(id);
  return all.empty() ? 0 : all[random_() % all.size()];
}

void clients::launch(slot& one, std::vector<std::string> words) {
  auto number = std::to_string(&one - slots_.data());
  one.out = how_.folder / ("said" + number);
  words.insert(words.begin(), "elastictape");
  words.insert(words.end(),
               {"-w", how_.workspace, "--reconnect", std::to_string(how_.reconnect_s)});
  file_end said{::open(one.out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  child_options start;
  start.extra = how_.surroundings;
  start.out = start.err = said.get();
  one.process = std::make_unique<child>(words, start);
  ++commands_;
}

void clients::begin(slot& one) {
  auto dice = random_() % 10;
  one.batch = 0;
  if (dice >= 4 && dice < 7 && (one.batch = any_batch(false)) != 0) {
    one.what = action::wait;
    return launch(one, {"status", "-b", std::to_string(one.batch), "--wait"});
  }
  if (dice >= 7 && (one.batch = any_batch(true)) != 0) {
    one.tree = told_.batches().at(one.batch).tree;
    if (dice == 9) {
      one.what = action::remove;
      mark("remove " + std::to_string(one.batch));
      return launch(one, {"rm", "-b", std::to_string(one.batch)});
    }
    one.what = action::get;
    one.back = how_.folder / ("back" + std::to_string(commands_));
    fs::create_directories(one.back);
    return launch(one, {"get", "-b", std::to_string(one.batch), "-r", one.back.string()});
  }
  one.what = action::put;
  one.tree = next_tree_++;
  auto path = trees_.make(one.tree);
  mark("put " + std::to_string(one.tree));
  launch(one, {"put", path.string()});
}

void clients::ended(slot& one, int code) {
  auto said = whole_file(one.out);
  auto id = std::to_string(one.batch);
  auto complain = [&](const std::string& what) {
    complaints_.push_back(what + " of batch " + id + ", tree " + std::to_string(one.tree) +
                          ": exit code " + std::to_string(code) + ", it said: " + said);
  };
  // Printed is printed, whatever the exit code says.
  if (auto at = said.find("Batch ID: "); one.what == action::put && at != std::string::npos)
    mark("printed " + std::to_string(one.tree) + " " +
         std::to_string(std::stoull(said.substr(at + 10))));
  static const std::array names{"put", "status --wait", "get", "rm"};
  // A command that begins while the service is down says so, and has done nothing; one that has
  // begun waits for it.
  bool unreached = code == 1 && said.find("cannot reach the service") != std::string::npos;
  unreached_ += unreached ? 1 : 0;
  if (code != 0) {
    if (!unreached) complain(names[static_cast<size_t>(one.what)]);
  } else if (one.what == action::wait) {
    mark("safe " + id);
  } else if (one.what == action::remove) {
    mark("removed " + id);
  } else if (one.what == action::get) {
    if (auto differs = trees_.difference(one.tree, one.back); !differs.empty()) complain(differs);
  }
  if (one.what == action::get) fs::remove_all(one.back);
}

void clients::step(std::chrono::milliseconds limit) {
  for (auto& one : slots_)
    if (!one.process) begin(one);
  finish(std::chrono::seconds{0});
  // Whichever: the next step looks at all.
  auto& one = slots_[random_() % slots_.size()];
  if (one.process) one.process->wait(limit);
}

bool clients::finish(std::chrono::seconds limit) {
  bool running = false;
  for (auto& one : slots_) {
    if (!one.process) continue;
    auto code = one.process->wait(limit);
    running = running || !code;
    if (!code) continue;
    one.process.reset();
    ended(one, *code);
  }
  return !running;
}

void clients::abandon() {
  for (auto& one : slots_) one.process.reset();
}

}  // namespace et::crash
