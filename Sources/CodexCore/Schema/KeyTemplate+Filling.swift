// Keys from some of a template's attributes, and ranges of the next one.

extension KeyTemplate {
    /// A template with the values of its leading attributes.
    package struct Filling: Sendable {
        /// The key up to the first attribute without a value; the whole key if there is none.
        package fileprivate(set) var text = ""
        /// The names of the attributes in the text.
        package fileprivate(set) var usedNames: [String] = []
        /// The first attribute without a value; `nil` if the key is whole.
        package fileprivate(set) var nextName: String?
        /// The literal text after that attribute, up to another attribute or the end.
        fileprivate var nextText = ""
        /// Whether another attribute follows the next one.
        fileprivate var hasFurtherNames = false
    }

    /// The key as far as `values` have the template's attributes.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a value that is not allowed in a key.
    package func filled(by values: [String: AttributeValue]) throws(CodexError) -> Filling {
        var filling = Filling()
        for piece in pieces {
            switch piece {
            case .text(let literal):
                if filling.hasFurtherNames { continue }
                if filling.nextName == nil {
                    filling.text += literal
                } else {
                    filling.nextText += literal
                }
            case .attribute(let name):
                if filling.nextName != nil {
                    filling.hasFurtherNames = true
                } else if let value = values[name] {
                    filling.text += try Self.part(value, name: name)
                    filling.usedNames.append(name)
                } else {
                    filling.nextName = name
                }
            }
        }
        return filling
    }
}

extension KeyTemplate.Filling {
    /// The condition on the key's text for a condition on the value of the next attribute.
    ///
    /// The keys of that attribute's value `v` are `text` + `v`, or they begin with `text` + `v` +
    /// `#`. All keys that the condition finds begin with `text`.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a value that is not allowed in a key;
    ///   ``CodexError/Code/invalidExpression`` for a prefix that is no text.
    package func condition(_ condition: SortCondition) throws(CodexError) -> SortCondition {
        switch condition {
        case .any: return text.isEmpty ? .any : .beginsWith(.string(text))
        case .equal(let value):
            let key = try start(value, withText: true)
            return hasFurtherNames ? .beginsWith(.string(key)) : .equal(.string(key))
        case .less(let value):
            let end = try start(value)
            return text.isEmpty ? .less(.string(end)) : between(nil, KeyText.last(below: end))
        case .lessOrEqual(let value): return between(nil, try end(value))
        case .greater(let value):
            guard let lower = try startAbove(value) else {
                return .greater(.string(try key(value)))
            }
            return between(lower, nil)
        case .greaterOrEqual(let value): return between(try start(value), nil)
        case .between(let low, let high): return between(try start(low), try end(high))
        case .beginsWith(let prefix):
            guard case .string(let prefix) = prefix else {
                throw CodexError(
                    .invalidExpression,
                    "The prefix of \(nextName ?? "an attribute") must be text. Use a range.")
            }
            guard !prefix.isEmpty else { return try self.condition(.any) }
            try KeyTemplate.requirePart(prefix, name: nextName ?? "an attribute")
            return .beginsWith(.string(text + prefix))
        }
    }

    private func key(_ value: AttributeValue) throws(CodexError) -> String {
        text + (try KeyTemplate.part(value, name: nextName ?? "an attribute"))
    }

    /// The first key of a value, or the text with which all its keys begin; `withText` adds all
    /// literal text after the attribute.
    private func start(
        _ value: AttributeValue, withText: Bool = false
    ) throws(CodexError) -> String {
        let key = try key(value)
        if withText { return key + nextText }
        return nextText.isEmpty ? key : key + "#"
    }

    /// The first text above all keys of a value; `nil` if there is none.
    private func startAbove(_ value: AttributeValue) throws(CodexError) -> String? {
        // In UTF-8, `$` is the byte after `#`.
        nextText.isEmpty ? KeyText.first(above: try key(value)) : try key(value) + "$"
    }

    /// The last key that a value may have.
    private func end(_ value: AttributeValue) throws(CodexError) -> String {
        nextText.isEmpty ? try key(value) : KeyText.last(beginningWith: try key(value) + "#")
    }

    /// The range of keys that begin with the text; `nil` is the first or the last of them.
    private func between(_ lower: String?, _ upper: String?) -> SortCondition {
        if text.isEmpty {
            if let lower, upper == nil { return .greaterOrEqual(.string(lower)) }
            if let upper, lower == nil { return .lessOrEqual(.string(upper)) }
        }
        return .between(
            .string(lower ?? text), .string(upper ?? KeyText.last(beginningWith: text)))
    }
}

/// Texts of sort keys in the order of their UTF-8 bytes.
///
/// A sort key has at most ``DynamoDBLimits/sortKeyByteCountMax`` bytes. So each text but the first
/// has a text right before it, and each text but the last has one right after it.
package enum KeyText {
    private static let byteCountMax = DynamoDBLimits.sortKeyByteCountMax

    /// The last text that begins with `prefix`.
    package static func last(beginningWith prefix: String) -> String {
        let room = max(0, byteCountMax - prefix.utf8.count)
        // The largest scalars of four bytes, and those of three, two or one for the rest.
        let rest = ["", "\u{7F}", "\u{7FF}", "\u{FFFF}"][room % 4]
        return prefix + String(repeating: "\u{10FFFF}", count: room / 4) + rest
    }

    /// The last text below `text`; the empty text if there is none.
    package static func last(below text: String) -> String {
        var scalars = text.unicodeScalars
        guard let last = scalars.popLast() else { return "" }
        // Surrogates are no scalars.
        let value = last.value == 0xE000 ? 0xD7FF : last.value &- 1
        guard last.value > 0, let previous = Unicode.Scalar(value) else { return String(scalars) }
        scalars.append(previous)
        return Self.last(beginningWith: String(scalars))
    }

    /// The first text above `text`; `nil` if there is none.
    package static func first(above text: String) -> String? {
        guard text.utf8.count >= byteCountMax else { return text + "\0" }
        var scalars = text.unicodeScalars
        while let last = scalars.popLast() {
            let value = last.value == 0xD7FF ? 0xE000 : last.value &+ 1
            guard let next = Unicode.Scalar(value) else { continue }
            scalars.append(next)
            if String(scalars).utf8.count <= byteCountMax { return String(scalars) }
            scalars.removeLast()
        }
        return nil
    }
}
