extension KeyAttribute: ExpressibleByStringLiteral {
    /// Names a string attribute: `partitionKey: ["siteID"]`.
    public init(stringLiteral name: String) { self.init(name) }
}
