// Whether the payload of a framework message is exactly one message of an interface.
//
// The framework decodes whatever types a payload names and believes every length in it: a vector
// that claims 2^60 bytes is allocated before the end of the input is noticed, and that ends the
// process. So what comes from outside is walked here first, without building any of it. The walk is
// derived from the declared types, so a new message needs nothing here.
//
// A payload: actors to pass through (a length; must be 0), type number (2 bytes, 0), the types'
// names as one string, then the values: integers big-endian, lengths in 7-bit groups, low first.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "actors/caf_compat.hpp"

namespace et {

/// Most elements of a container in a payload; strings and bytes are bounded by the payload alone.
constexpr uint64_t max_payload_elements = 65'536;

/// Steps over bytes. Every call returns false when fewer are left, and then always.
class payload_reader {
 public:
  explicit payload_reader(std::span<const uint8_t> from) : bytes_(from) {}

  size_t left() const { return bytes_.size(); }
  bool skip(uint64_t count);
  /// Big-endian number of 1 to 8 bytes.
  bool number(size_t size_bytes, uint64_t& value);
  /// A length in 7-bit groups; false as well when it is more than is left.
  bool length(uint64_t& value);
  bool text(std::string_view& value);

 private:
  std::span<const uint8_t> bytes_;
};

/// Steps over one serialized `T`.
template <class T>
bool skim(payload_reader& in);

/// What inspect() functions are called with to learn the fields of a type.
struct field_skimmer {
  using result_type = bool;
  static constexpr bool reads_state = false;
  static constexpr bool writes_state = true;
  payload_reader& in;

  template <class... Ts>
  bool operator()(Ts&&... fields) {
    return (field(fields) && ...);
  }

 private:
  template <class T>
  bool field(const T&) {
    if constexpr (caf::meta::is_annotation<T>::value)
      return true;
    else
      return skim<T>(in);
  }
};

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_array : std::false_type {};
template <class T, size_t N>
struct is_array<std::array<T, N>> : std::true_type {};

template <class T>
bool skim(payload_reader& in) {
  if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    return in.skip(sizeof(T));
  } else if constexpr (std::is_same_v<T, std::string>) {
    std::string_view text;
    return in.text(text);
  } else if constexpr (is_vector<T>::value) {
    uint64_t count = 0;
    if (!in.length(count)) return false;
    if constexpr (sizeof(typename T::value_type) == 1) return in.skip(count);
    if (count > max_payload_elements) return false;
    for (uint64_t i = 0; i < count; ++i)
      if (!skim<typename T::value_type>(in)) return false;
    return true;
  } else if constexpr (is_array<T>::value) {
    for (size_t i = 0; i < std::tuple_size_v<T>; ++i)
      if (!skim<typename T::value_type>(in)) return false;
    return true;
  } else {
    T sample;
    field_skimmer skimmer{in};
    return inspect(skimmer, sample);
  }
}

/// One message of an interface: its first word, the names of its types, how to step over the rest.
struct message_shape {
  uint64_t atom = 0;
  std::string types;
  bool (*skim_rest)(payload_reader&) = nullptr;
};

/// The name under which the framework sends a type.
template <class T>
std::string wire_name() {
  if constexpr (caf::is_atom_constant<T>::value)
    return "@atom";
  else if constexpr (caf::type_nr<T>::value != 0)
    return caf::numbered_type_names[caf::type_nr<T>::value - 1];
  else
    return caf::type_name<T>::value;
}

template <class Message>
struct shape_of;

template <class Atom, class... Rest, class Result>
struct shape_of<caf::typed_mpi<caf::detail::type_list<Atom, Rest...>, Result>> {
  static message_shape make() {
    auto types = "@<>+" + wire_name<Atom>();
    ((types += "+" + wire_name<Rest>()), ...);
    return {Atom::uint_value(), std::move(types),
            [](payload_reader& in) { return (skim<Rest>(in) && ...); }};
  }
};

template <class... Messages>
std::vector<message_shape> shapes_of(caf::detail::type_list<Messages...>) {
  return {shape_of<Messages>::make()...};
}

/// The messages of client_actor.
const std::vector<message_shape>& client_shapes();

/// Whether `payload` is one of `shapes` and nothing else: no other types, no length that does not
/// fit, nothing behind it, no actors to pass it on to.
bool is_message_of(const std::vector<message_shape>& shapes, std::span<const uint8_t> payload);

}  // namespace et
