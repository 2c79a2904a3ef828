# cmake -DTO=FILE.cpp -DFROM=FOLDER -P embed_assets.cmake: the files of a folder as the table behind
# actors/monitor/dashboard/assets.hpp, so that the program stays one file.
file(GLOB names RELATIVE ${FROM} ${FROM}/*)
list(SORT names)
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(arrays "")
set(rows "")
set(number 0)
foreach(name IN LISTS names)
  string(REGEX REPLACE ".*\\." "" ending ${name})
  if(NOT DEFINED types_${ending})
    message(FATAL_ERROR "${FROM}/${name}: files of this type are not served")
  endif()
  file(READ ${FROM}/${name} hex HEX)
  file(SHA256 ${FROM}/${name} version)
  string(SUBSTRING ${version} 0 16 version)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(REGEX REPLACE "(('[^']*',){16})" "\\1\n  " bytes "${bytes}")
  string(APPEND arrays "constexpr char file_${number}[] = {\n  ${bytes}\n};\n")
  string(APPEND rows "  {\"${name}\", \"${types_${ending}}\", \"${version}\", {file_${number}, sizeof file_${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${TO} "// Made by cmake/embed_assets.cmake.
#include \"actors/monitor/dashboard/assets.hpp\"

namespace et::monitor {

namespace {

${arrays}
constexpr asset assets[] = {
${rows}};

}  // namespace

const asset* find_asset(std::string_view name) {
  for (const auto& one : assets)
    if (one.name == name) return &one;
  return nullptr;
}

}  // namespace et::monitor
")
