#![allow(missing_docs)]
use netscene_lang::*;
#[test] fn examples() {
    for f in ["hello.scn","wordpress.scn"] {
        let text = std::fs::read_to_string(format!("{}/../examples/{f}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut files = SourceFiles::default();
        let (ast, d) = parse(&files.add(f, text));
        println!("{} {}\n{}", f, ast.statements.len(), render(&d, &files, false));
    }
    let mut files = SourceFiles::default();
    let (ast, d) = parse(&files.add("x.scn", "nod a at 1.2.3.4\nnode b ta 1.2.3.4\nnamespace x y {\n service w { slector app=b; port 80 }\n}\n10.0.0.1 x\n}\nservice x {\n foo bar {\n a b\n }\n}\nassert ${ a.b(\nsend a -> b tpc at c\ntest \"a {\n get\n}\npod a {"));
    println!("{:?}\n{}", ast.statements, render(&d, &files, false));
}
