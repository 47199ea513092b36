//! The directory: small tables, replaced as a whole, read in the order in which they came.

use rusqlite::types::Type;
use rusqlite::{Connection, Row, ToSql, params};

use super::records::{from_semantics_code, semantics_code};
use crate::domain::crm::{
    Card, Category, Currency, CustomField, Department, Directory, Status, User,
};
use crate::domain::money::Money;

pub(super) fn replace(
    connection: &Connection,
    company: i64,
    directory: &Directory,
) -> rusqlite::Result<()> {
    for table in [
        "user",
        "department",
        "status",
        "category",
        "currency",
        "field",
        "field_value",
    ] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE company = ?1"))?
            .execute([company])?;
    }
    let add = |sql: &str, values: &[&dyn ToSql]| {
        connection.prepare_cached(sql)?.execute(values).map(drop)
    };
    for (position, user) in (0_i64..).zip(&directory.users) {
        let departments: Vec<String> = user.departments.iter().map(u64::to_string).collect();
        add(
            "INSERT INTO user VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                company,
                position,
                user.id,
                user.name,
                user.active,
                departments.join(",")
            ],
        )?;
    }
    for (position, d) in (0_i64..).zip(&directory.departments) {
        add(
            "INSERT INTO department VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![company, position, d.id, d.name, d.parent, d.head],
        )?;
    }
    for (position, s) in (0_i64..).zip(&directory.statuses) {
        let semantics = s.semantics.map(semantics_code);
        add(
            "INSERT INTO status VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                company, position, s.entity, s.code, s.name, semantics, s.sort
            ],
        )?;
    }
    for (position, category) in (0_i64..).zip(&directory.categories) {
        add(
            "INSERT INTO category VALUES (?1, ?2, ?3, ?4)",
            params![company, position, category.id, category.name],
        )?;
    }
    for (position, c) in (0_i64..).zip(&directory.currencies) {
        add(
            "INSERT INTO currency VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![company, position, c.code, c.amount.units(), c.count, c.base],
        )?;
    }
    replace_fields(connection, company, &directory.fields)
}

fn replace_fields(
    connection: &Connection,
    company: i64,
    fields: &[CustomField],
) -> rusqlite::Result<()> {
    let mut add_field =
        connection.prepare_cached("INSERT INTO field VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut add_value =
        connection.prepare_cached("INSERT INTO field_value VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (position, field) in (0_i64..).zip(fields) {
        let card = match field.card {
            Card::Lead => 1,
            Card::Deal => 2,
        };
        add_field.execute(params![
            company,
            position,
            card,
            field.code,
            field.name,
            field.kind,
            field.multiple
        ])?;
        for (place, (id, name)) in (0_i64..).zip(&field.values) {
            add_value.execute(params![company, position, place, id, name])?;
        }
    }
    Ok(())
}

fn fields(connection: &Connection, company: i64) -> rusqlite::Result<Vec<CustomField>> {
    let columns = "card, code, name, kind, multiple";
    let mut all = list(connection, company, "field", columns, |row| {
        Ok(CustomField {
            card: match row.get::<_, u8>(0)? {
                1 => Card::Lead,
                _ => Card::Deal,
            },
            code: row.get(1)?,
            name: row.get(2)?,
            kind: row.get(3)?,
            multiple: row.get(4)?,
            values: Vec::new(),
        })
    })?;
    let sql = "SELECT field, id, name FROM field_value WHERE company = ?1 ORDER BY field, position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([company])?;
    while let Some(row) = rows.next()? {
        // Positions count from 0 without a gap.
        if let Some(field) = all.get_mut(row.get::<_, u32>(0)? as usize) {
            field.values.push((row.get(1)?, row.get(2)?));
        }
    }
    Ok(all)
}

pub(super) fn read(connection: &Connection, company: i64) -> rusqlite::Result<Directory> {
    Ok(Directory {
        users: list(
            connection,
            company,
            "user",
            "id, name, active, departments",
            user,
        )?,
        departments: list(
            connection,
            company,
            "department",
            "id, name, parent, head",
            |row| {
                Ok(Department {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    parent: row.get(2)?,
                    head: row.get(3)?,
                })
            },
        )?,
        statuses: list(
            connection,
            company,
            "status",
            "entity, code, name, semantics, sort",
            status,
        )?,
        categories: list(connection, company, "category", "id, name", |row| {
            Ok(Category {
                id: row.get(0)?,
                name: row.get(1)?,
            })
        })?,
        currencies: list(
            connection,
            company,
            "currency",
            "code, amount, count, base",
            |row| {
                Ok(Currency {
                    code: row.get(0)?,
                    amount: Money::from_units(row.get(1)?),
                    count: row.get(2)?,
                    base: row.get(3)?,
                })
            },
        )?,
        fields: fields(connection, company)?,
    })
}

fn list<T>(
    connection: &Connection,
    company: i64,
    table: &str,
    columns: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let sql = format!("SELECT {columns} FROM {table} WHERE company = ?1 ORDER BY position");
    connection
        .prepare_cached(&sql)?
        .query_map([company], read)?
        .collect()
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let departments: String = row.get(3)?;
    let departments = departments
        .split(',')
        .filter(|id| !id.is_empty())
        .map(|id| {
            id.parse()
                .map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, Type::Text, Box::new(e)))
        })
        .collect::<rusqlite::Result<_>>()?;
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        active: row.get(2)?,
        departments,
    })
}

fn status(row: &Row<'_>) -> rusqlite::Result<Status> {
    let semantics = row.get::<_, Option<u8>>(3)?.map(from_semantics_code);
    Ok(Status {
        entity: row.get(0)?,
        code: row.get(1)?,
        name: row.get(2)?,
        semantics,
        sort: row.get(4)?,
    })
}
