#include "host/io/toml_document.hpp"

#include <algorithm>
#include <utility>

#include <toml++/toml.h>

#include "host/io/number_text.hpp"

namespace spacemoe {
namespace {

using SharedPath = std::shared_ptr<std::filesystem::path const>;

TomlValue convert(toml::node const& node, SharedPath const& file);

TomlTable convert_table(toml::table const& table, SharedPath const& file) {
  struct Located {
    toml::source_position position;
    TomlEntry entry;
  };
  std::vector<Located> located;
  for (auto const& [key, node] : table) {
    located.push_back({key.source().begin, {std::string(key.str()), convert(node, file)}});
  }
  // The library sorts by key; complaints should come in the order of the file.
  std::ranges::stable_sort(located,
                           [](Located const& a, Located const& b) { return a.position < b.position; });
  TomlTable converted;
  for (auto& [position, entry] : located) converted.entries.push_back(std::move(entry));
  return converted;
}

TomlArray convert_array(toml::array const& array, SharedPath const& file) {
  TomlArray converted;
  converted.reserve(array.size());
  for (auto const& node : array) converted.push_back(convert(node, file));
  return converted;
}

TomlValue convert(toml::node const& node, SharedPath const& file) {
  TomlValue value;
  value.file = file;
  value.line = node.source().begin.line;
  if (auto const* table = node.as_table()) {
    value.value = convert_table(*table, file);
  } else if (auto const* array = node.as_array()) {
    value.value = convert_array(*array, file);
  } else if (auto const* boolean = node.as_boolean()) {
    value.value = boolean->get();
  } else if (auto const* integer = node.as_integer()) {
    value.value = integer->get();
  } else if (auto const* real = node.as_floating_point()) {
    value.value = real->get();
  } else if (auto const* text = node.as_string()) {
    value.value = text->get();
  } else {
    value.value = TomlDate{};
  }
  return value;
}

}  // namespace

TomlValue const* TomlTable::find(std::string_view key) const {
  auto const found = std::ranges::find(entries, key, &TomlEntry::key);
  return found == entries.end() ? nullptr : &found->value;
}

TomlValue* TomlTable::find(std::string_view key) {
  auto const found = std::ranges::find(entries, key, &TomlEntry::key);
  return found == entries.end() ? nullptr : &found->value;
}

std::string TomlValue::position() const {
  return file->string() + ":" + std::to_string(line);
}

std::string TomlValue::description() const {
  if (auto const* boolean = as<bool>()) return *boolean ? "true" : "false";
  if (auto const* integer = as<std::int64_t>()) return std::to_string(*integer);
  if (auto const* real = as<double>()) return toml_number(*real);
  if (auto const* text = as<std::string>()) return "the string " + quoted_excerpt(*text);
  if (as<TomlArray>() != nullptr) return "an array";
  if (as<TomlTable>() != nullptr) return "a table";
  return "a date or time";
}

std::string inline_text(TomlValue const& value) {
  if (auto const* text = value.as<std::string>()) return toml_string(*text);
  std::string all;
  if (auto const* array = value.as<TomlArray>()) {
    for (TomlValue const& element : *array) all += (all.empty() ? "" : ", ") + inline_text(element);
    return "[" + all + "]";
  }
  if (auto const* table = value.as<TomlTable>()) {
    for (auto const& [key, entry] : table->entries) {
      all += (all.empty() ? "" : ", ") + key + " = " + inline_text(entry);
    }
    return "{" + all + "}";
  }
  return value.description();
}

std::optional<TomlValue> parse_toml(std::string const& text, std::filesystem::path const& file,
                                    std::vector<Complaint>& complaints) {
  try {
    toml::table const table = toml::parse(std::string_view(text), file.string());
    TomlValue root = convert(table, std::make_shared<std::filesystem::path const>(file));
    root.line = 1;
    return root;
  } catch (toml::parse_error const& error) {
    auto const& begin = error.source().begin;
    complaints.push_back(
        {file.string() + ":" + std::to_string(begin.line) + ":" + std::to_string(begin.column),
         "not valid TOML: " + excerpt(error.description(), 300), ""});
    return std::nullopt;
  }
}

}  // namespace spacemoe
