#include "storage/format/hashes.hpp"

#include <isa-l/igzip_lib.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>  // the widest vectors this processor has
#else
#include <xxhash.h>
#endif

#include <algorithm>
#include <new>

#include "storage/os/crc32c.hpp"

namespace et {

namespace {

// Small enough that the second checksum finds the piece in the first-level cache.
constexpr size_t hashing_piece_bytes = 16 * 1024;

file_checksum from_xxh(const XXH128_hash_t& hash) {
  return {hash.high64, hash.low64};
}

XXH3_state_t* as_state(void* state) {
  return static_cast<XXH3_state_t*>(state);
}

}  // namespace

file_checksum hash_file_content(std::span<const uint8_t> content) {
  return from_xxh(XXH3_128bits(content.data(), content.size()));
}

void file_hasher::state_deleter::operator()(void* state) const {
  XXH3_freeState(as_state(state));
}

file_hasher::file_hasher() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc{};
  reset();
}

file_hasher::~file_hasher() = default;
file_hasher::file_hasher(file_hasher&&) noexcept = default;
file_hasher& file_hasher::operator=(file_hasher&&) noexcept = default;

void file_hasher::reset() {
  XXH3_128bits_reset(as_state(state_.get()));
}

void file_hasher::update(std::span<const uint8_t> data) {
  XXH3_128bits_update(as_state(state_.get()), data.data(), data.size());
}

file_checksum file_hasher::checksum() const {
  return from_xxh(XXH3_128bits_digest(as_state(state_.get())));
}

void aggregation_hasher::update(std::span<const uint8_t> data) {
  while (!data.empty()) {
    auto piece = data.first(std::min(data.size(), hashing_piece_bytes));
    sum_.adler32 = isal_adler32(sum_.adler32, piece.data(), piece.size());
    sum_.crc32c = crc32c(sum_.crc32c, piece);
    data = data.subspan(piece.size());
  }
}

}  // namespace et
