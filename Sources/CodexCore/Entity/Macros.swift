#if Macros
    /// Makes a struct an entity: writes its conformance to ``Entity`` from its stored properties.
    ///
    /// ```swift
    /// @Entity(
    ///     "workOrder", table: "main", keys: ["PK": "ORDER#{id}", "SK": "ORDER"],
    ///     derived: [
    ///         "openSite": .template("{siteID}", when: Attribute<String>("status") == "open")
    ///     ])
    /// struct WorkOrder {
    ///     var id: UUID
    ///     var siteID: UUID
    ///     var status: Status
    ///     @StoredAs("due") var plannedOn: CalendarDay?
    ///     var parts: [Part]
    /// }
    /// ```
    ///
    /// The macro writes:
    ///
    /// - ``Entity/definition``, with each property as a field: its type, whether it is optional,
    ///   and the cases of an enumeration of strings,
    /// - `fields`, with a ``Field`` for each property: `WorkOrder.fields.siteID`. A property whose
    ///   type is not ``AttributeConvertible`` has a ``RawValueField`` or an ``OpaqueField``,
    /// - ``Entity/item()`` and ``Entity/init(reading:)``, which are as fast as code that is written
    ///   by hand.
    ///
    /// A property's type is `Codable`, or ``AttributeTyped``, or has raw values, or is
    /// ``AttributeConvertible`` with the type of its attribute in ``StoredAs(type:)``. The values
    /// are stored as a `Codable` entity stores them. An enumeration with raw values is stored as
    /// its raw value. A type name that hides an optional type is refused: write the `?`.
    ///
    /// The compiler refuses a property without a written type, a template that names no property,
    /// and two fields with one name. Templates and names that are not string literals are checked
    /// when a store is opened. The conditions of derived attributes cannot use `fields`, which the
    /// macro writes: use an ``Attribute``.
    ///
    /// The package's trait `Macros` enables the macro.
    ///
    /// - Parameters:
    ///   - name: The stored name of the entity.
    ///   - table: The name of the table.
    ///   - version: The schema version, 1 or more.
    ///   - keys: The templates of key attributes. They name stored attributes.
    ///   - derived: The attributes that the store derives from fields at each write.
    ///   - sealed: The stored names of the encrypted attributes.
    @attached(
        member, names: named(StoredForms), named(definition), named(Fields), named(fields),
        named(item))
    @attached(extension, conformances: Entity, names: named(init))
    public macro Entity(
        _ name: String, table: String, version: Int = 1, keys: [String: KeyTemplate],
        derived: [String: DerivedAttribute] = [:], sealed: [String] = []
    ) = #externalMacro(module: "CodexMacros", type: "EntityMacro")

    /// Gives a property of an ``Entity(_:table:version:keys:derived:sealed:)`` another stored name.
    ///
    /// Templates, derived attributes and indexes use the stored name.
    ///
    /// - Parameter name: The name of the attribute, a string literal.
    @attached(peer)
    public macro StoredAs(_ name: String) =
        #externalMacro(module: "CodexMacros", type: "StoredAsMacro")

    /// Gives a property of an ``Entity(_:table:version:keys:derived:sealed:)`` another stored name,
    /// and the type of its attribute.
    ///
    /// - Parameters:
    ///   - name: The name of the attribute, a string literal.
    ///   - type: The type of the attributes that values become. A value that becomes another one is
    ///     refused with ``CodexError/Code/typeMismatch``.
    @attached(peer)
    public macro StoredAs(_ name: String, type: AttributeType) =
        #externalMacro(module: "CodexMacros", type: "StoredAsMacro")

    /// Gives the type of the attribute of a property.
    ///
    /// It is needed for a type that is ``AttributeConvertible`` and not ``AttributeTyped``, and for
    /// a `Codable` type that encodes as a single value.
    ///
    /// - Parameter type: The type of the attributes that values become. A value that becomes
    ///   another one is refused with ``CodexError/Code/typeMismatch``.
    @attached(peer)
    public macro StoredAs(type: AttributeType) =
        #externalMacro(module: "CodexMacros", type: "StoredAsMacro")

    /// Leaves a property of an ``Entity(_:table:version:keys:derived:sealed:)`` out of the item.
    ///
    /// The property needs a default value, which it has when an item is read.
    @attached(peer)
    public macro Transient() =
        #externalMacro(module: "CodexMacros", type: "TransientMacro")
#endif
