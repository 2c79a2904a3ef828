#include "tests/simulation/checks.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>

#include "storage/format/export.hpp"
#include "storage/format/hashes.hpp"
#include "storage/format/volume_io.hpp"

namespace et::simulation {

namespace fs = std::filesystem;

namespace {

bool is_safe(state s) {
  return s == state::cached_synced || s == state::synced;
}

/// An opened cartridge and what its labels say.
struct volume {
  std::unique_ptr<tape::drive> drive;
  std::vector<volume_entry> entries;
  std::string trouble;
};

class examination {
 public:
  examination(site& of, truth& known)
      : site_(of), truth_(known), view_(of.head_service()->store().view()) {}

  void run() {
    check_batches();
    check_workspaces();
    check_volumes();
    check_caches();
  }

 private:
  void violated(std::string what) { truth_.violated("at rest: " + std::move(what)); }

  void check_batches() {
    for (auto& [id, batch] : truth_.batches) {
      auto record = view_->batch(id);
      if (!record || !*record) {
        if (!batch.removed) violated("batch " + std::to_string(id.value) + " is gone");
        continue;
      }
      if (!is_safe((*record)->state) && (*record)->state != state::failed)
        violated("batch " + std::to_string(id.value) + " has not ended, it is " +
                 to_string((*record)->state));
      check_files(batch);
      check_copies(batch);
    }
  }

  void check_files(const true_batch& batch) {
    std::string after;
    for (;;) {
      auto rows = view_->rows(batch.id, after, 500, 1 << 20);
      if (!rows) return violated("rows cannot be read: " + text_of(rows.error()));
      if (rows->empty()) return;
      for (auto& row : *rows) {
        auto found = batch.files.find(row.entry.path);
        if (found == batch.files.end())
          violated("batch " + std::to_string(batch.id.value) + " has a strange file");
        else if (row.state == state::failed && !found->second.tampered && !batch.cancelled)
          violated("file " + row.entry.path + " failed: " + row.reason);
      }
      after = rows->back().entry.path;
    }
  }

  volume* volume_of(const barcode& id) {
    auto known = volumes_.find(id);
    if (known != volumes_.end()) return &known->second;
    auto& made = volumes_[id];
    if (auto image = site_.image_of(id); !image.empty()) {
      auto opened = tape::open_cartridge_image(image, true);
      if (!opened) {
        made.trouble = text_of(opened.error());
        return &made;
      }
      made.drive = std::move(*opened);
      auto list = list_volume(*made.drive);
      if (list)
        made.entries = std::move(*list);
      else
        made.trouble = text_of(list.error());
      return &made;
    }
    if (made.trouble.empty()) made.trouble = "there is no such cartridge";
    return &made;
  }

  void check_copies(const true_batch& batch) {
    std::map<uint32_t, bytes> data;
    for (uint32_t after = 0;;) {
      auto list = view_->aggregations(batch.id, after, 100);
      if (!list || list->empty()) break;
      for (auto& record : *list) {
        after = record.id.number;
        if (is_safe(record.state) && record.copies.size() < site_.plan().copies)
          violated("aggregation " + to_string(record.id) + " is safe with too few copies");
        std::set<barcode> on;
        for (auto& copy : record.copies) {
          if (!on.insert(copy.volume).second)
            violated("aggregation " + to_string(record.id) + " has two copies on one volume");
          check_copy(record, copy, data);
        }
      }
    }
    check_content(batch, data);
  }

  void check_copy(const aggregation_record& record, const copy_record& copy,
                  std::map<uint32_t, bytes>& data) {
    auto what = "aggregation " + to_string(record.id) + " on " + copy.volume.value;
    used_[copy.volume].push_back(
        {copy.header.value, copy.data.value + copy.blocks + 4, to_string(record.id)});
    auto* on = volume_of(copy.volume);
    bool damaged = truth_.damaged.count(copy.volume) > 0;
    if (!on->drive) return damaged ? void() : violated(what + ": " + on->trouble);
    bytes read;
    aggregation_hasher hasher;
    auto error =
        read_range(*on->drive, copy, 0, record.size_bytes, [&](std::span<const uint8_t> piece) {
          hasher.update(piece);
          read.insert(read.end(), piece.begin(), piece.end());
          return caf::error{};
        });
    if (damaged && (error || !(hasher.checksum() == record.checksum))) return;
    if (error) return violated(what + ": " + text_of(error));
    if (!(hasher.checksum() == record.checksum)) return violated(what + ": other bytes");
    data[record.id.number] = std::move(read);
    auto same = [&](const volume_entry& entry) {
      return entry.id == record.id && entry.copy.header == copy.header;
    };
    if (!damaged && std::none_of(on->entries.begin(), on->entries.end(), same))
      violated(what + ": its labels do not name it " + on->trouble);
  }

  void check_content(const true_batch& batch, const std::map<uint32_t, bytes>& data) {
    std::string after;
    for (;;) {
      auto rows = view_->rows(batch.id, after, 500, 1 << 20);
      if (!rows || rows->empty()) return;
      for (auto& row : *rows) {
        after = row.entry.path;
        auto found = batch.files.find(row.entry.path);
        if (found == batch.files.end()) continue;
        if (!is_safe(row.state)) {
          if (found->second.safe && !batch.removed)
            violated("file " + row.entry.path + " was safe and is " + to_string(row.state));
          continue;
        }
        auto in = data.find(row.aggregation);
        if (in == data.end() || in->second.size() < row.offset_bytes + row.entry.size_bytes) {
          violated("file " + row.entry.path + " is not on tape");
          continue;
        }
        auto wanted = content_of(found->second.content, 0, row.entry.size_bytes);
        if (!std::equal(wanted.begin(), wanted.end(),
                        in->second.begin() + static_cast<std::ptrdiff_t>(row.offset_bytes)))
          violated("file " + row.entry.path + " is different on tape");
      }
    }
  }

  void check_workspaces() {
    auto all = view_->workspaces();
    if (!all) return violated(text_of(all.error()));
    for (auto& workspace : *all) {
      uint64_t used_bytes = 0;
      uint64_t used_files = 0;
      for (batch_id after;;) {
        auto list = view_->batches(workspace.id, after, 100);
        if (!list || list->empty()) break;
        for (auto& batch : *list) {
          used_bytes += batch.size_bytes - batch.failed_bytes;
          used_files += batch.files - batch.failed_files;
          auto known = truth_.batches.find(batch.id);
          if (known != truth_.batches.end() && known->second.workspace != workspace.name)
            violated("batch " + std::to_string(batch.id.value) + " is in the wrong workspace");
        }
        after = list->back().id;
      }
      if (used_bytes != workspace.used_bytes || used_files != workspace.used_files)
        violated("workspace " + workspace.name + " uses " + std::to_string(workspace.used_bytes) +
                 " bytes, " + std::to_string(workspace.used_files) + " files, it holds " +
                 std::to_string(used_bytes) + ", " + std::to_string(used_files));
    }
  }

  void check_volumes() {
    auto all = view_->volumes();
    if (!all) return violated(text_of(all.error()));
    std::map<barcode, volume_record> records;
    for (auto& one : *all) records[one.id] = one;
    for (auto& [id, list] : used_) {
      std::sort(list.begin(), list.end());
      for (size_t i = 1; i < list.size(); ++i)
        if (list[i].begin <= list[i - 1].last)
          violated("volume " + id.value + ": " + list[i - 1].what + " and " + list[i].what +
                   " overlap");
      if (list.back().last >= records[id].next_header.value)
        violated("volume " + id.value + " would be written over " + list.back().what);
    }
  }

  /// Clients are given bytes of caches as they are: what is in one has its checksum.
  void check_caches() {
    for (size_t i = 0; i < site_.machines(); ++i) {
      auto who = static_cast<machine>(i);
      for (auto& [id, path] : site_.cached_files(who)) check_cached(who, id, path);
    }
  }

  void check_cached(machine who, aggregation_id id, const fs::path& path) {
    auto record = view_->aggregation(id);
    // What nobody is given any more may lie there, also emptied, until it can be deleted.
    if (!record || !*record || (*record)->node != site_.name_of(who)) return;
    // Where nobody reads, nobody notices.
    if (truth_.spoilt.count(id) > 0) return;
    if ((*record)->state != state::cached && (*record)->state != state::cached_synced) return;
    std::ifstream file{path, std::ios::binary};
    std::string data{std::istreambuf_iterator<char>{file}, {}};
    aggregation_hasher hasher;
    hasher.update({reinterpret_cast<const uint8_t*>(data.data()), data.size()});
    if (!(hasher.checksum() == (*record)->checksum))
      violated("the cache of " + site_.name_of(who) + " has other bytes of aggregation " +
               to_string(id));
  }

  struct extent {
    uint64_t begin;
    uint64_t last;
    std::string what;
    friend auto operator<=>(const extent&, const extent&) = default;
  };

  site& site_;
  truth& truth_;
  std::unique_ptr<catalogue_view> view_;
  std::map<barcode, volume> volumes_;
  std::map<barcode, std::vector<extent>> used_;
};

}  // namespace

size_t unfinished(site& of, const truth& known) {
  if (!of.head_service()) return known.batches.size() + 1;
  auto view = of.head_service()->store().view();
  size_t count = 0;
  for (auto& [id, batch] : known.batches) {
    auto record = view->batch(id);
    if (!record || !*record) continue;
    if (!is_safe((*record)->state) && (*record)->state != state::failed) ++count;
    // FAILED, and other parts of it still in motion.
    auto& in_state = (*record)->in_state;
    if ((*record)->state == state::failed && (in_state[1] > 0 || in_state[2] > 0)) ++count;
  }
  return count;
}

void check_at_rest(site& of, truth& known) {
  if (!of.head_service()) return known.violated("at rest: the head does not run");
  examination{of, known}.run();
}

}  // namespace et::simulation
