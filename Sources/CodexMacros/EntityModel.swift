#if Macros
    import SwiftSyntax

    /// What the code of an entity is written from.
    struct EntityModel {
        /// The struct's name, without the types around it.
        var typeName: String
        /// The access level of the written members, as a modifier.
        var access: String
        var arguments: EntityArguments
        /// The fields, in the order of the source.
        var properties: [StoredProperty]
        /// Whether the compiler synthesizes the memberwise initializer.
        var hasMemberwiseInitializer: Bool
    }

    /// A stored property that is a field.
    struct StoredProperty {
        /// The name as the source has it, maybe with backticks.
        var name: String
        /// The name of the attribute.
        var storedName: String
        /// The type; of an optional type, what it wraps.
        var type: TypeSyntax
        var isOptional: Bool
        /// The type of the attribute, where the source gives it.
        var attributeType: ExprSyntax?
        /// The access level of the property, as a modifier.
        var access: String
        /// The name in the source, to which messages belong.
        var token: TokenSyntax

        /// The name without backticks.
        var plainName: String { name.filter { $0 != "`" } }

        /// Whether the written type can be no part of a key, as far as its name shows.
        var isNoKeyPart: Bool {
            if type.is(ArrayTypeSyntax.self) || type.is(DictionaryTypeSyntax.self) { return true }
            let name = type.trimmedDescription.prefix { $0 != "<" }.split(separator: ".").last
            let others: Set<Substring> = [
                "Array", "AttributeMap", "AttributeSet", "Bool", "Data", "Dictionary", "Set",
            ]
            return name.map { others.contains($0) } ?? false
        }

        /// Whether the attribute is a number, as far as the source shows.
        ///
        /// Programs have text types with the name Number. Opening a store knows the type.
        var isNumber: Bool {
            if let attributeType {
                return attributeType.trimmedDescription.split(separator: ".").last == "number"
            }
            let name = type.trimmedDescription.split(separator: ".").last
            let numbers: Set<Substring> = [
                "Decimal", "Double", "EpochSeconds", "Float", "Int", "Int8", "Int16", "Int32",
                "Int64", "UInt", "UInt8", "UInt16", "UInt32", "UInt64",
            ]
            return name.map { numbers.contains($0) } ?? false
        }
    }
#endif
