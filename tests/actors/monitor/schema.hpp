// A validator for the part of JSON Schema that docs/openapi.json uses. A word of a schema that it
// does not know is an error, so that nothing in the file goes unchecked.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace et::test {

class schema_check {
 public:
  explicit schema_check(const nlohmann::json& description) : description_(description) {}

  /// What does not fit, with its place; empty: `value` fits.
  std::string fault(const nlohmann::json& value, const nlohmann::json& schema,
                    const std::string& at = "$") const {
    static const std::set<std::string> known{
        "type",           "properties", "required", "additionalProperties",
        "items",          "enum",       "$ref",     "anyOf",
        "format",         "minimum",    "maximum",  "description",
        "contentEncoding"};
    for (const auto& [word, unused] : schema.items())
      if (!known.contains(word)) return at + ": the schema has the unknown word " + word;
    if (schema.contains("$ref")) return fault(value, resolve(schema["$ref"]), at);
    if (schema.contains("anyOf")) return any_fault(value, schema["anyOf"], at);
    if (schema.contains("type") && !has_type(value, schema["type"]))
      return at + ": " + value.dump() + " is not of type " + schema["type"].dump();
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
      return at + ": " + value.dump() + " is none of " + schema["enum"].dump();
    if (value.is_number() && schema.contains("minimum") && value < schema["minimum"])
      return at + ": too small";
    if (value.is_number() && schema.contains("maximum") && value > schema["maximum"])
      return at + ": too large";
    if (value.is_object()) return object_fault(value, schema, at);
    if (value.is_array() && schema.contains("items")) {
      for (size_t i = 0; i < value.size(); ++i) {
        auto wrong = fault(value[i], schema["items"], at + "[" + std::to_string(i) + "]");
        if (!wrong.empty()) return wrong;
      }
    }
    return {};
  }

 private:
  const nlohmann::json& resolve(const std::string& reference) const {
    return description_.at(nlohmann::json::json_pointer{reference.substr(1)});
  }

  std::string any_fault(const nlohmann::json& value, const nlohmann::json& choices,
                        const std::string& at) const {
    std::string last;
    for (const auto& one : choices) {
      last = fault(value, one, at);
      if (last.empty()) return {};
    }
    return last;
  }

  std::string object_fault(const nlohmann::json& value, const nlohmann::json& schema,
                           const std::string& at) const {
    for (const auto& name : schema.value("required", nlohmann::json::array()))
      if (!value.contains(name.get<std::string>())) return at + ": " + name.dump() + " is missing";
    auto properties = schema.value("properties", nlohmann::json::object());
    for (const auto& [name, inner] : value.items()) {
      if (!properties.contains(name)) {
        if (schema.value("additionalProperties", true)) continue;
        return at + ": " + name + " is not described";
      }
      auto wrong = fault(inner, properties[name], at + "." + name);
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

  static bool has_type(const nlohmann::json& value, const nlohmann::json& type) {
    if (type.is_array())
      return std::any_of(type.begin(), type.end(),
                         [&](const auto& one) { return has_type(value, one); });
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
           (type == "integer" && value.is_number_integer()) ||
           (type == "number" && value.is_number()) || (type == "null" && value.is_null());
  }

  const nlohmann::json& description_;
};

}  // namespace et::test
