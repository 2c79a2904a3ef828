#include "storage/tape/changer.hpp"

namespace et::tape {

std::string to_string(const element& where) {
  const char* kind = "element";
  switch (where.kind) {
    case element_kind::slot:
      kind = "slot";
      break;
    case element_kind::drive:
      kind = "drive";
      break;
    case element_kind::import_export:
      kind = "mail slot";
      break;
  }
  return std::string{kind} + " " + std::to_string(where.number);
}

}  // namespace et::tape
