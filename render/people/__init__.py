"""Who is photographed: people drawn from an anatomy, and models from files."""
