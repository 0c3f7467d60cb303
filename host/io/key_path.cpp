#include "host/io/key_path.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

namespace spacemoe {
namespace {

constexpr std::string_view bare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

std::optional<KeyPath::Step> parse_step(std::string_view text) {
  std::size_t const end = std::min(text.find_first_not_of(bare), text.size());
  if (end == 0) return std::nullopt;
  KeyPath::Step step{std::string(text.substr(0, end)), std::nullopt};
  std::string_view const rest = text.substr(end);
  if (rest.empty()) return step;
  std::size_t number = 0;
  auto const [stop, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), number);
  if (rest.front() != '[' || error != std::errc() || stop + 1 != rest.data() + rest.size() || *stop != ']') {
    return std::nullopt;
  }
  step.number = number;
  return step;
}

/// The element of an array that a step means; anything else is what it is. Null, with a reason, where there
/// is none.
TomlValue* element(TomlValue& value, KeyPath::Step const& step, std::string& reason) {
  auto* array = value.as<TomlArray>();
  if (array == nullptr) {
    if (step.number) reason = step.key + " is no array";
    return step.number ? nullptr : &value;
  }
  if (step.number && *step.number < array->size()) return &(*array)[*step.number];
  if (!step.number && array->size() == 1) return &array->front();
  std::string const count = step.key + " has " + std::to_string(array->size()) + " elements";
  reason = step.number ? count : count + "; say which, as in " + step.key + "[0]";
  return nullptr;
}

/// The value of a key in a table, put there as an empty table where it is missing.
TomlValue& entry(TomlTable& table, std::string const& key, TomlValue const& model) {
  if (TomlValue* found = table.find(key)) return *found;
  table.entries.push_back({key, {TomlTable{}, model.file, model.line}});
  return table.entries.back().value;
}

/// The table that holds the last step, and a reason where there is none.
TomlValue* parent(TomlValue& root, KeyPath const& path, std::string& reason, TomlValue const* model) {
  TomlValue* at = &root;
  for (std::size_t i = 0; at != nullptr && i + 1 < path.steps.size(); ++i) {
    KeyPath::Step const& step = path.steps[i];
    auto* table = at->as<TomlTable>();
    if (table == nullptr) break;
    TomlValue* value = model != nullptr ? &entry(*table, step.key, *model) : table->find(step.key);
    at = value == nullptr ? nullptr : element(*value, step, reason);
  }
  if (at == nullptr || at->as<TomlTable>() != nullptr) return at;
  reason = "what is above it is no table";
  return nullptr;
}

TomlValue* find(TomlValue& root, KeyPath const& path) {
  std::string reason;
  TomlValue* table = parent(root, path, reason, nullptr);
  TomlValue* value = table == nullptr ? nullptr : table->as<TomlTable>()->find(path.name());
  if (value == nullptr || !path.steps.back().number) return value;
  return element(*value, path.steps.back(), reason);
}

}  // namespace

bool KeyPath::is_within(std::string_view other) const {
  auto const outer = parse_key_path(other);
  return outer && outer->steps.size() <= steps.size() &&
         std::ranges::equal(outer->steps, std::span(steps).first(outer->steps.size()), {}, &Step::key,
                            &Step::key);
}

std::optional<KeyPath> parse_key_path(std::string_view text) {
  KeyPath path{std::string(text), {}};
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t const end = std::min(text.find('.', begin), text.size());
    auto step = parse_step(text.substr(begin, end - begin));
    if (!step) return std::nullopt;
    path.steps.push_back(std::move(*step));
    begin = end + 1;
  }
  return path;
}

TomlValue const* find_key(TomlValue const& root, KeyPath const& path) {
  return find(const_cast<TomlValue&>(root), path);
}

std::optional<std::string> set_key(TomlValue& root, KeyPath const& path, TomlValue value) {
  std::string reason;
  TomlValue* table = parent(root, path, reason, &value);
  if (table == nullptr) return reason;
  TomlValue* target = &entry(*table->as<TomlTable>(), path.name(), value);
  if (path.steps.back().number) target = element(*target, path.steps.back(), reason);
  if (target == nullptr) return reason;
  *target = std::move(value);
  return std::nullopt;
}

bool erase_key(TomlValue& root, KeyPath const& path) {
  std::string reason;
  TomlValue* table = parent(root, path, reason, nullptr);
  if (table == nullptr) return false;
  return std::erase_if(table->as<TomlTable>()->entries,
                       [&](TomlEntry const& entry) { return entry.key == path.name(); }) > 0;
}

std::vector<TomlLeaf> leaves(TomlTable const& table) {
  std::vector<TomlLeaf> all;
  for (TomlEntry const& entry : table.entries) {
    auto const* inner = entry.value.as<TomlTable>();
    if (inner == nullptr) {
      all.push_back({entry.key, &entry.value});
      continue;
    }
    for (TomlLeaf& leaf : leaves(*inner)) all.push_back({entry.key + "." + leaf.path, leaf.value});
  }
  return all;
}

}  // namespace spacemoe
