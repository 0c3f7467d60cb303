#include "host/io/derived_keys.hpp"

#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include <muParser.h>

#include "host/io/number_text.hpp"
#include "host/io/scenario_file.hpp"

namespace spacemoe {
namespace {

/// Above, doubles are no longer exact integers.
constexpr double largest_whole = 9007199254740992;

mu::Parser formula_parser(std::string const& formula) {
  mu::Parser parser;
  parser.DefineNameChars("0123456789_.[]abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
  parser.DefineFun("round", [](double x) { return std::round(x); });
  parser.DefineFun("floor", [](double x) { return std::floor(x); });
  parser.DefineFun("ceil", [](double x) { return std::ceil(x); });
  parser.DefineFun("mod", [](double x, double y) { return x - y * std::floor(x / y); });
  parser.SetExpr(formula);
  return parser;
}

std::optional<double> number_at(TomlValue const& root, KeyPath const& path) {
  TomlValue const* value = find_key(root, path);
  if (value == nullptr) return std::nullopt;
  if (auto const* integer = value->as<std::int64_t>()) return static_cast<double>(*integer);
  if (auto const* real = value->as<double>()) return *real;
  return std::nullopt;
}

/// The scenario with its defaults and included files, for names that it does not give itself.
std::optional<TomlValue> spelt_out(TomlValue const& root) {
  std::vector<Complaint> ignored;  // of a scenario that is not whole before its derived keys are there
  auto const scenario = read_scenario(root, {}, ignored);
  return scenario ? parse_toml(resolved_text(*scenario), "defaults", ignored) : std::nullopt;
}

TomlValue as_toml(double number, TomlValue const& where) {
  bool const whole = std::abs(number) <= largest_whole && number == std::floor(number);
  if (whole) return {static_cast<std::int64_t>(number), where.file, where.line};
  return {number, where.file, where.line};
}

}  // namespace

void DerivedKeys::add(KeyPath key, TomlValue const& formula, std::vector<Complaint>& complaints) {
  std::string const where = formula.position() + " derived." + key.text;
  auto const* text = formula.as<std::string>();
  if (text == nullptr) {
    complaints.push_back({where, "must be a formula in quotes, not " + formula.description(),
                          "write for example \"round(shell.planes / 2)\""});
    return;
  }
  try {
    mu::Parser parser = formula_parser(*text);
    Formula known{std::move(key), formula, {}};
    for (auto const& [name, unused] : parser.GetUsedVar()) known.names.push_back(name);
    formulas_.push_back(std::move(known));
  } catch (mu::Parser::exception_type const& error) {
    complaints.push_back({where, "no formula: " + excerpt(error.GetMsg(), 200),
                          "write for example \"round(shell.planes / 2)\""});
  }
}

void DerivedKeys::apply(TomlValue& root, std::vector<Complaint>& complaints) const {
  for (Formula const& formula : formulas_) {
    std::string const where = formula.value.position() + " derived." + formula.key.text;
    std::map<std::string, double> values;
    std::optional<TomlValue> whole;
    for (std::string const& name : formula.names) {
      auto const path = parse_key_path(name);
      auto number = path ? number_at(root, *path) : std::nullopt;
      if (path && !number) {
        if (!whole) whole = spelt_out(root);
        if (whole) number = number_at(*whole, *path);
      }
      if (!number) {
        complaints.push_back({where, name + " is no number of the scenario",
                              "name keys as in shell[0].planes, and give those that have no default"});
        return;
      }
      values[name] = *number;
    }
    try {
      mu::Parser parser = formula_parser(*formula.value.as<std::string>());
      for (auto& [name, value] : values) parser.DefineVar(name, &value);
      double const result = parser.Eval();
      if (!std::isfinite(result)) {
        complaints.push_back({where, "is " + plain_number(result), "see that it does not divide by 0"});
        return;
      }
      if (auto const reason = set_key(root, formula.key, as_toml(result, formula.value))) {
        complaints.push_back({where, "cannot be set: " + *reason, ""});
      }
    } catch (mu::Parser::exception_type const& error) {
      complaints.push_back({where, "no formula: " + excerpt(error.GetMsg(), 200), ""});
    }
  }
}

std::vector<std::string> DerivedKeys::texts() const {
  std::vector<std::string> all;
  for (Formula const& formula : formulas_) {
    all.push_back(formula.key.text + " = " + *formula.value.as<std::string>());
  }
  return all;
}

std::vector<KeyPath> DerivedKeys::keys() const {
  std::vector<KeyPath> all;
  for (Formula const& formula : formulas_) all.push_back(formula.key);
  return all;
}

}  // namespace spacemoe
