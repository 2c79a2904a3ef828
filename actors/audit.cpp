#include "actors/audit.hpp"

#include <functional>

#include "actors/atoms.hpp"

namespace et {

namespace {

using words_type = caf::type_erased_tuple;

std::string batch_text(batch_id batch) {
  return "batch " + std::to_string(batch.value);
}

std::string retrieval_text(retrieval_id id) {
  return "retrieval " + std::to_string(id.value);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

template <class T>
const T* word(const words_type& words, size_t index) {
  if (index >= words.size() || !words.match_element<T>(index)) return nullptr;
  return &words.get_as<T>(index);
}

/// Most commands: a workspace, then what in it.
void read_usual(audit_record& record, const words_type& words) {
  if (auto* workspace = word<std::string>(words, 1)) record.workspace = clipped(*workspace);
  if (auto* batch = word<batch_id>(words, 2))
    record.subject = batch->value == 0 ? "" : batch_text(*batch);
  if (auto* id = word<retrieval_id>(words, 2)) record.subject = retrieval_text(*id);
}

void read_put(audit_record& record, const words_type& words) {
  if (auto* upload = word<uint64_t>(words, 1))
    record.subject = "upload " + std::to_string(*upload);
  else
    read_usual(record, words);
}

void read_workspace(audit_record& record, const words_type& words) {
  if (auto* name = word<std::string>(words, 1)) record.workspace = clipped(*name);
  auto* draft = word<workspace_record>(words, 1);
  if (draft == nullptr) return;
  record.workspace = clipped(draft->name);
  record.subject =
      clipped("roots " + joined(draft->roots) + ", managers " + joined(draft->managers) +
              ", quota " + std::to_string(draft->quota_bytes) + " bytes");
}

void read_volume(audit_record& record, const words_type& words) {
  auto* id = word<barcode>(words, 1);
  auto* status = word<volume_status>(words, 2);
  if (id != nullptr && status != nullptr)
    record.subject = clipped("volume " + id->value + " " + to_string(*status));
}

void read_token(audit_record& record, const words_type& words) {
  if (auto* id = word<uint64_t>(words, 1)) record.subject = "token " + std::to_string(*id);
  auto* draft = word<token_record>(words, 1);
  if (draft == nullptr) return;
  record.workspace = clipped(draft->workspace);
  record.subject = clipped("token of " + (draft->user.empty() ? record.user : draft->user));
}

void read_nothing(audit_record&, const words_type&) {}

struct command_kind {
  const char* action;
  bool on_success;
  bool on_failure;
  void (*read)(audit_record&, const words_type&);
};

const std::map<caf::atom_value, command_kind>& command_kinds() {
  static const std::map<caf::atom_value, command_kind> all{
      {put_begin_atom::value, {"put", false, true, read_put}},
      {put_commit_atom::value, {"put", true, true, read_put}},
      {remove_atom::value, {"rm", true, true, read_usual}},
      {cancel_atom::value, {"cancel", true, true, read_usual}},
      {get_begin_atom::value, {"get", true, true, read_usual}},
      {admin_add_atom::value, {"workspace add", true, true, read_workspace}},
      {admin_set_atom::value, {"workspace set", true, true, read_workspace}},
      {admin_remove_atom::value, {"workspace remove", true, true, read_workspace}},
      {volume_atom::value, {"volume set", true, true, read_volume}},
      {token_add_atom::value, {"token create", true, true, read_token}},
      {token_remove_atom::value, {"token revoke", true, true, read_token}},
      {join_atom::value, {"cluster token", true, true, read_nothing}},
      {promote_atom::value, {"cluster promote", true, true, read_nothing}},
      // These tell something: only who may not know it is of interest.
      {list_workspaces_atom::value, {"ls", false, false, read_usual}},
      {list_batches_atom::value, {"ls", false, false, read_usual}},
      {list_files_atom::value, {"ls", false, false, read_usual}},
      {find_files_atom::value, {"ls", false, false, read_usual}},
      {find_atom::value, {"find", false, false, read_usual}},
      {status_atom::value, {"status", false, false, read_usual}},
      {list_retrievals_atom::value, {"status", false, false, read_usual}},
      {admin_inspect_atom::value, {"inspect", false, false, read_nothing}},
      {volumes_atom::value, {"volume list", false, false, read_nothing}},
      {token_list_atom::value, {"token list", false, false, read_nothing}},
      {audit_atom::value, {"audit", false, false, read_nothing}},
      {nodes_atom::value, {"cluster list", false, false, read_nothing}},
  };
  return all;
}

}  // namespace

std::string clipped(std::string text) {
  if (text.size() <= max_audit_text_bytes) return text;
  constexpr std::string_view sign = "...";
  text.resize(max_audit_text_bytes - sign.size());
  return text.append(sign);
}

std::shared_ptr<audit_draft> audit_draft_of(const identity& who, const words_type& words) {
  auto* name = word<caf::atom_value>(words, 0);
  if (name == nullptr) return nullptr;
  auto kind = command_kinds().find(*name);
  if (kind == command_kinds().end()) return nullptr;
  auto draft = std::make_shared<audit_draft>();
  draft->record.user = who.user;
  draft->record.from = who.from;
  draft->record.action = kind->second.action;
  draft->on_success = kind->second.on_success;
  draft->on_failure = kind->second.on_failure;
  kind->second.read(draft->record, words);
  return draft;
}

void describe(audit_record& record, const batch_record& answer) {
  record.workspace = answer.workspace_name;
  record.subject = batch_text(answer.id);
  record.text =
      std::to_string(answer.files) + " files, " + std::to_string(answer.size_bytes) + " bytes";
}

void describe(audit_record& record, const retrieval_record& answer) {
  record.workspace = answer.workspace_name;
  record.subject =
      retrieval_text(answer.id) +
      (answer.batch.value == 0 ? " of listed files" : " of " + batch_text(answer.batch));
}

void describe(audit_record& record, const token_record& answer) {
  record.workspace = answer.workspace;
  record.subject = clipped("token " + std::to_string(answer.id) + " of " + answer.user);
}

std::optional<audit_record> concluded(const audit_draft& draft, const caf::error& outcome) {
  auto code = code_of(outcome);
  if (code == errc::none ? !draft.on_success : !draft.on_failure && code != errc::not_authorised)
    return std::nullopt;
  auto record = draft.record;
  record.outcome = code;
  if (code != errc::none) record.text = clipped(text_of(outcome));
  return record;
}

bool refusal_meter::count(const std::string& name, time_point now) {
  auto found = entries_.find(name);
  if (found == entries_.end())
    found = entries_.try_emplace(entries_.size() < max_names ? name : others, entry{now, 0}).first;
  auto& one = found->second;
  return ++one.counted <= each_period_;
}

std::map<std::string, uint64_t> refusal_meter::take_untold(time_point now) {
  std::map<std::string, uint64_t> untold;
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (now - it->second.since < period) {
      ++it;
      continue;
    }
    if (it->second.counted > each_period_) untold[it->first] = it->second.counted - each_period_;
    it = entries_.erase(it);
  }
  return untold;
}

}  // namespace et
