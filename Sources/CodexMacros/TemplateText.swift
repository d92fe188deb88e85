#if Macros
    /// The text of a key template, by the rules of `KeyTemplate`.
    struct TemplateText {
        /// The attributes that the template names.
        let names: [String]

        /// Reads a template; `nil` if it is malformed.
        init?(_ source: String) {
            var names: [String] = []
            var rest = source[...]
            while let open = rest.firstIndex(of: "{") {
                let text = rest[..<open]
                guard let close = rest[open...].firstIndex(of: "}") else { return nil }
                let name = String(rest[rest.index(after: open)..<close])
                guard names.isEmpty || text.hasPrefix("#") else { return nil }
                guard !name.isEmpty, !name.contains("{") else { return nil }
                names.append(name)
                rest = rest[rest.index(after: close)...]
            }
            guard !source.isEmpty, !rest.contains("}") else { return nil }
            guard names.isEmpty || rest.isEmpty || rest.hasPrefix("#") else { return nil }
            self.names = names
        }
    }
#endif
