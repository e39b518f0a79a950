const find = (id) => document.getElementById(id);

/** Where the screen is too narrow for a sidebar, the list of chats moves into a dialog. */
export function setUpDrawer() {
  const [sidebar, drawer, chats, menu, close] = ['sidebar', 'drawer', 'chats', 'menu', 'close'].map(
    find,
  );
  const isNarrow = matchMedia('(max-width: 47.99rem)');

  const place = () => {
    drawer.close();
    (isNarrow.matches ? drawer : sidebar).append(chats);
  };
  isNarrow.addEventListener('change', place);
  place();
  menu.addEventListener('click', () => drawer.showModal());
  close.addEventListener('click', () => drawer.close());
  drawer.addEventListener('click', (event) => {
    // A chat was chosen, or the backdrop pressed.
    if (event.target === drawer || event.target.closest('a')) drawer.close();
  });
  return drawer;
}
