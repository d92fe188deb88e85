// Values as text that people read. Errors and events of the store never contain it.

extension AttributeValue: CustomStringConvertible {
    /// The value as text that people read.
    ///
    /// ```
    /// {"PK": "USER#1", "age": 36, "key": <3 bytes 01ff7f>, "tags": SS["a", "b"], "gone": null}
    /// ```
    ///
    /// Control characters, and others that a terminal does not show, are escaped as in a Swift
    /// literal. Long values are cut, with their size, and so are lists and maps that are large or
    /// nested deeply: the text has at most 24,000 bytes. Programs must not read it, because its
    /// form may change.
    ///
    /// The text is user data, so do not log it without care. The store's errors do not contain it.
    ///
    /// - Complexity: O(*n*) in the text's bytes.
    public var description: String {
        var description = ValueDescription()
        description.append(self)
        return description.text
    }
}

extension AttributeMap: CustomStringConvertible {
    /// The attributes as text that people read, as ``AttributeValue/description`` of a map.
    ///
    /// The text is user data, so do not log it without care.
    public var description: String {
        var description = ValueDescription()
        description.append(self)
        return description.text
    }
}

extension AttributeMap.Element: CustomStringConvertible {
    /// The name and the value as text that people read, as in ``AttributeMap/description``.
    ///
    /// The text is user data, so do not log it without care.
    public var description: String {
        var description = ValueDescription()
        description.append(self)
        return description.text
    }
}

extension AttributeSet: CustomStringConvertible where Element: AttributeSetMember {
    /// The members as text that people read, as ``AttributeValue/description`` of a set.
    ///
    /// The text is user data, so do not log it without care.
    public var description: String { Element.value(of: self).description }
}
