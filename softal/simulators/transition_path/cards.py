"""x"""
def cards(view): return []
