//! A column's definition as `SHOW CREATE TABLE` prints it: the one place where MySQL and MariaDB say
//! everything that `MODIFY` has to repeat.

/// Finds a column's line.
pub(super) fn column_of<'a>(created: &'a str, column: &str) -> Option<&'a str> {
    // The quotes are an SQL mode's choice.
    let names = ['`', '"'].map(|quote| {
        let doubled = format!("{quote}{quote}");
        format!("{quote}{}{quote} ", column.replace(quote, &doubled))
    });
    let mut lines = created.lines().map(str::trim);
    let line = lines.find(|line| names.iter().any(|name| line.starts_with(name)))?;
    Some(line.strip_suffix(',').unwrap_or(line))
}

/// Replaces the first occurrence of some words outside of quotes; `None` if there is none.
pub(super) fn replaced(definition: &str, words: &str, by: &str) -> Option<String> {
    let mut quote = None;
    for (at, character) in definition.char_indices() {
        match quote {
            // A doubled quote closes and opens again.
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None if matches!(character, '\'' | '"' | '`') => quote = Some(character),
            None => {
                let (before, rest) = definition.split_at(at);
                if let Some(after) = rest.strip_prefix(words) {
                    return Some(format!("{before}{by}{after}"));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: &str = "CREATE TABLE `accounts` (\n  \
         `id` int(11) NOT NULL AUTO_INCREMENT,\n  \
         `hash_old` varchar(9) NOT NULL,\n  \
         `hash` varchar(512) COLLATE ascii_bin NOT NULL DEFAULT 'is NOT NULL' COMMENT 'a,b',\n  \
         PRIMARY KEY (`id`)\n) ENGINE=InnoDB";

    #[test]
    fn a_column_is_found_by_its_whole_name() {
        assert_eq!(
            column_of(CREATED, "hash_old"),
            Some("`hash_old` varchar(9) NOT NULL")
        );
        assert_eq!(
            column_of(&CREATED.replace('`', "\""), "id"),
            Some("\"id\" int(11) NOT NULL AUTO_INCREMENT")
        );
        assert_eq!(column_of(CREATED, "has"), None);
        assert_eq!(column_of("`a``b` int", "a`b"), Some("`a``b` int"));
    }

    #[test]
    fn only_words_outside_of_quotes_are_replaced() {
        let hash = column_of(CREATED, "hash").unwrap();
        let nullable = replaced(hash, " NOT NULL", " NULL").unwrap();
        assert_eq!(
            nullable,
            "`hash` varchar(512) COLLATE ascii_bin NULL DEFAULT 'is NOT NULL' COMMENT 'a,b'"
        );
        assert_eq!(replaced(&nullable, " NOT NULL", " NULL"), None);
        let quoted = "`a NOT NULL` enum('it''s NOT NULL', \" NOT NULL\")";
        assert_eq!(replaced(quoted, " NOT NULL", " NULL"), None);
    }
}
