#include "host/cli/arguments.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include <cxxopts.hpp>
#include <unistd.h>

namespace spacemoe {
namespace {

std::string long_name(OptionSpec const& option) {
  return option.name.substr(option.name.find(',') + 1);
}

std::string joined(std::vector<std::string> const& words, char const* separator = ", ") {
  std::string all;
  for (auto const& word : words) all += (all.empty() ? "" : separator) + word;
  return all;
}

}  // namespace

Arguments::Arguments(std::string command, std::string what_it_does, std::vector<OptionSpec> options,
                     std::vector<std::string> const& words, std::vector<std::string> const& file_names)
    : command_(std::move(command)) {
  cxxopts::Options parser("spacemoe " + command_, what_it_does);
  parser.positional_help(joined(file_names, " "));
  auto add = parser.add_options();
  for (auto const& option : options) {
    if (option.value.empty()) {
      add(option.name, option.help);
    } else {
      add(option.name, option.help, cxxopts::value<std::string>(), option.value);
    }
  }
  add("h,help", "print this");
  parser.add_options("positional")("file", "", cxxopts::value<std::vector<std::string>>());
  parser.parse_positional("file");
  help_text_ = parser.help({""});

  refuse_values_of_flags(options, words);
  std::vector<char const*> argv{"spacemoe"};
  for (auto const& word : words) argv.push_back(word.c_str());
  try {
    auto const parsed = parser.parse(static_cast<int>(argv.size()), argv.data());
    help_wanted_ = parsed.count("help") > 0;
    if (parsed.count("file") > 0) files_ = parsed["file"].as<std::vector<std::string>>();
    if (files_.size() != file_names.size()) {
      complaints_.push_back({"spacemoe " + command_,
                             std::to_string(files_.size()) + (files_.size() == 1 ? " file" : " files") +
                                 " given, " + std::to_string(file_names.size()) + " expected",
                             "see spacemoe " + command_ + " --help"});
    }
    for (auto const& option : options) {
      std::string const name = long_name(option);
      if (parsed.count(name) > 1)
        complain(name, "given " + std::to_string(parsed.count(name)) + " times", "give it once");
      if (parsed.count(name) > 0)
        values_.emplace_back(name, option.value.empty() ? "" : parsed[name].as<std::string>());
    }
  } catch (cxxopts::exceptions::exception const& problem) {
    std::vector<std::string> known;
    for (auto const& option : options) known.push_back("--" + long_name(option));
    complaints_.push_back(
        {"spacemoe " + command_, problem.what(), "options are " + joined(known) + ", --help"});
  }
}

void Arguments::refuse_values_of_flags(std::vector<OptionSpec> const& options,
                                       std::vector<std::string> const& words) {
  for (auto const& option : options) {
    std::string const name = long_name(option);
    bool const has_value =
        std::ranges::any_of(words, [&](auto const& word) { return word.starts_with("--" + name + "="); });
    if (option.value.empty() && has_value)
      complain(name, "takes no value", "give --" + name + " or leave it out");
  }
}

std::string Arguments::help() const {
  return help_text_;
}

bool Arguments::flag(std::string const& name) const {
  return text(name).has_value();
}

std::optional<std::string> Arguments::text(std::string const& name) const {
  auto const found = std::ranges::find(values_, name, &std::pair<std::string, std::string>::first);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::uint64_t> Arguments::number(std::string const& name, std::uint64_t least,
                                               std::uint64_t greatest) {
  auto const given = text(name);
  return given ? whole_number(name, *given, least, greatest) : std::nullopt;
}

std::optional<std::vector<std::string>> Arguments::list(std::string const& name) {
  auto const given = text(name);
  if (!given) return std::nullopt;
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin <= given->size();) {
    std::size_t const end = std::min(given->find(',', begin), given->size());
    items.push_back(given->substr(begin, end - begin));
    begin = end + 1;
  }
  if (std::ranges::count(items, std::string()) > 0) {
    complain(name, "'" + *given + "' has an empty entry", "separate values by single commas");
  }
  return items;
}

std::optional<std::vector<std::uint64_t>> Arguments::numbers(std::string const& name,
                                                             std::uint64_t greatest) {
  auto const items = list(name);
  if (!items) return std::nullopt;
  std::vector<std::uint64_t> values;
  for (auto const& item : *items) {
    if (item.empty()) continue;
    if (auto const value = whole_number(name, item, 0, greatest)) values.push_back(*value);
  }
  return values;
}

std::string Arguments::choice(std::string const& name, std::vector<std::string> const& words) {
  auto const given = text(name);
  if (!given) return words.front();
  if (std::ranges::find(words, *given) == words.end()) {
    complain(name, "'" + *given + "' is not known", "use one of " + joined(words));
  }
  return *given;
}

std::optional<std::filesystem::path> Arguments::output(std::string const& name,
                                                       std::vector<std::string> const& endings) {
  auto const given = text(name);
  if (!given) return std::nullopt;
  std::filesystem::path const file(*given);
  std::filesystem::path const folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code failed;
  if (given->empty()) {
    complain(name, "the file name is empty", "name a file to write");
  } else if (std::filesystem::is_directory(file, failed) || !file.has_filename()) {
    complain(name, "'" + *given + "' is a folder", "name a file to write");
  } else if (std::ranges::find(endings, file.extension().string()) == endings.end()) {
    complain(name, "'" + *given + "' does not end in " + joined(endings), "the ending says what is written");
  } else if (std::filesystem::exists(file, failed) && !std::filesystem::is_regular_file(file, failed)) {
    complain(name, "'" + *given + "' is not a regular file, so it cannot be replaced as a whole",
             "name a file to write");
  } else if (!std::filesystem::is_directory(folder, failed)) {
    complain(name, "the folder '" + folder.string() + "' does not exist",
             "create it first: mkdir -p " + folder.string());
  } else if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    complain(name, "the folder '" + folder.string() + "' cannot be written: " + std::strerror(errno),
             "choose another folder, or change its permissions");
  }
  return file;
}

void Arguments::complain(std::string const& option, std::string what, std::string remedy) {
  complaints_.push_back({"--" + option, std::move(what), std::move(remedy)});
}

void Arguments::check() const {
  if (!complaints_.empty()) throw ScenarioError(complaints_);
}

std::optional<std::uint64_t> Arguments::whole_number(std::string const& name, std::string const& text,
                                                     std::uint64_t least, std::uint64_t greatest) {
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string const range =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(greatest);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    complain(name, "'" + text + "' is not a whole number", "give " + range + ", digits only");
    return std::nullopt;
  }
  if (error != std::errc{} || value < least || value > greatest) {
    complain(name, text + " is out of range", "give " + range);
    return std::nullopt;
  }
  return value;
}

}  // namespace spacemoe
