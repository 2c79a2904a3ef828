// Names, which may hold any byte, in XML and HTML, which cannot.
#pragma once

#include <string>
#include <string_view>

namespace et {

/// `raw` as text for XML 1.0, before escaping: a name of well-formed UTF-8 without characters that
/// XML forbids is itself. In any other name the bytes that cannot stand there are `%XX`, and so is
/// every `%`.
std::string xml_name(std::string_view raw);

/// The reverse: the bytes of which `shown` is the xml_name(). A name that itself contains what
/// looks like such bytes (`a%FF`) cannot be told apart and is taken for them.
std::string raw_name(std::string_view shown);

}  // namespace et
